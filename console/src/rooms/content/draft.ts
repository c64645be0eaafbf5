import type { Schema } from '@/api/client';

export type Format = 'mjml' | 'html' | 'text';

/** What is being written, before it is saved. */
export interface Draft {
  channel: string;
  name: string;
  format: Format;
  subject: string;
  preheader: string;
  body: string;
  text: string | null;
}

const MJML = `<mjml>
  <mj-body background-color="#f4f5f7">
    <mj-section background-color="#ffffff" padding="32px 24px">
      <mj-column>
        <mj-text font-size="22px" font-weight="600" color="#1d222b">
          Hello {{ firstName | default: "there" }},
        </mj-text>
        <mj-text font-size="15px" line-height="1.6" color="#363d4a">
          Write what you have to say here.
        </mj-text>
        <mj-button href="https://example.com" background-color="#4652bd" border-radius="8px">
          See what is new
        </mj-button>
      </mj-column>
    </mj-section>
    <mj-section>
      <mj-column>
        <mj-text font-size="12px" color="#737c8d" align="center">
          <a href="{{ unsubscribe_url }}" style="color:#737c8d">Unsubscribe</a>
        </mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
`;

/** A template to begin with: it greets by name with a default, has one button, and lets people unsubscribe. */
export const STARTER: Draft = { channel: 'email', name: '', format: 'mjml', subject: '', preheader: '', body: MJML, text: null };

/** The beginning of a template on a channel of short texts. */
export function plainStarter(channel: string, text: string): Draft {
  return { channel, name: '', format: 'text', subject: '', preheader: '', body: text, text: null };
}

/** A source, and the channel it is for: what previews and checks are asked for. */
export function askOf(draft: Draft) {
  return { ...sourceOf(draft), channel: draft.channel };
}

export function sourceOf(draft: Draft) {
  const { format, subject, preheader, body, text } = draft;
  return { format, subject, preheader, body, text };
}

export function draftOf(item: Schema<'TemplateItem'>): Draft {
  const { format, subject, preheader, body, text } = item.version;
  return { channel: item.template.channel, name: item.template.name, format, subject, preheader, body, text };
}

export function differs(one: Draft, other: Draft): boolean {
  return (Object.keys(one) as (keyof Draft)[]).some((key) => one[key] !== other[key]);
}
