import { api, take } from '@/api/client';
import { pathOf, type Journey } from './api';

const file = (name: string) => `${name.trim().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '').toLowerCase() || 'journey'}.yaml`;

/** Hands a text over as a file. */
export function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'application/yaml' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = file(name);
  link.click();
  URL.revokeObjectURL(address);
}

/** A new journey from a file; one that cannot be read leaves nothing behind. */
export async function importYaml(given: File): Promise<Journey> {
  const yaml = await given.text();
  const made = await take(api.POST('/v1/journeys', { body: { name: given.name.replace(/\.ya?ml$/i, '') || given.name } }));
  try {
    return await take(api.PUT('/v1/journeys/{journey_id}/yaml', { ...pathOf(made.id), body: { yaml, revision: made.draft_revision } }));
  } catch (failed) {
    await api.DELETE('/v1/journeys/{journey_id}', pathOf(made.id));
    throw failed;
  }
}
