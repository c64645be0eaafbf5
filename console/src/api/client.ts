import createClient, { type Middleware } from 'openapi-fetch';
import { currentLanguage } from '@/words';
import { problemFrom } from './problem';
import type { components, paths } from './schema';

/** A named type of the server's OpenAPI document. */
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

/** What a path answers, for types whose own name is not unique in the document. */
export type AnswerOf<Path extends keyof paths, Method extends keyof paths[Path]> = paths[Path][Method] extends {
  responses: { 200: { content: { 'application/json': infer Body } } };
}
  ? Body
  : never;

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
let csrf: string | null = null;
let onSignedOut: () => void = () => undefined;

/** The session's token against forged requests, sent back with whatever changes something. */
export function holdCsrf(token: string | null): void {
  csrf = token;
}

export function heldCsrf(): string | null {
  return csrf;
}

export function whenSignedOut(then: () => void): void {
  onSignedOut = then;
}

const house: Middleware = {
  onRequest({ request }) {
    request.headers.set('accept-language', currentLanguage());
    if (!SAFE.has(request.method) && csrf) request.headers.set('x-csrf-token', csrf);
    return request;
  },
  onResponse({ response, request }) {
    if (response.status === 401 && !new URL(request.url).pathname.startsWith('/v1/session')) onSignedOut();
  },
};

export const api = createClient<paths>({ baseUrl: '', credentials: 'same-origin' });
api.use(house);

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** The body of an answer, or its problem thrown. */
export async function take<Data>(asked: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await asked;
  if (!response.ok) throw problemFrom(response.status, error);
  return data as Data;
}
