/** RFC 9457 problem details, as the server words them. */
export interface ProblemBody {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  field?: string | null;
  retry_after?: number;
  [fact: string]: unknown;
}

/** A request that did not succeed: `code` is stable, `field` names the input at fault. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | null;
  readonly body: ProblemBody;

  constructor(status: number, body: ProblemBody) {
    super(body.detail ?? body.title ?? `HTTP ${status}`);
    this.name = 'Problem';
    this.status = status;
    this.code = body.code ?? 'unknown';
    this.field = body.field ?? null;
    this.body = body;
  }
}

export function problemFrom(status: number, body: unknown): Problem {
  return new Problem(status, typeof body === 'object' && body !== null ? (body as ProblemBody) : {});
}

/** What a person can do about a problem: the key of a sentence in the catalogue `problem.next`. */
export function nextStep(error: unknown): string {
  if (!(error instanceof Problem)) return 'problem.next.network';
  if (error.status === 401) return 'problem.next.sign_in';
  if (error.status === 403) return 'problem.next.permission';
  if (error.status === 404) return 'problem.next.gone';
  if (error.status === 409) return 'problem.next.conflict';
  if (error.status === 413) return 'problem.next.smaller';
  if (error.status === 429 || error.status === 503) return 'problem.next.wait';
  if (error.status >= 500) return 'problem.next.server';
  return 'problem.next.input';
}
