import type { Schema } from '@/api/client';

export type ImportMap = Schema<'ImportMap'>;
export type CellType = NonNullable<Schema<'Cell'>['type']>;
export type ConsentCells = NonNullable<ImportMap['consents']>[number];
export type Aspect = keyof NonNullable<ImportMap['preferences']>;
export type Part = 'ignore' | 'identity' | 'trait' | 'property' | 'item' | 'name' | 'time';

/** What one column means. */
export interface Role {
  part: Part;
  as: string;
  type: CellType | null;
}

export const CELL_TYPES: CellType[] = ['text', 'integer', 'number', 'boolean', 'date', 'instant', 'text_list'];
export const ASPECTS = ['channel', 'frequency', 'language', 'quiet_hours', 'paused_until'] as const satisfies readonly Aspect[];
export const PARTS: Record<ImportMap['kind'], Part[]> = {
  customers: ['ignore', 'identity', 'trait'],
  events: ['ignore', 'name', 'time', 'identity', 'property', 'item'],
};

type Source = NonNullable<ImportMap['traits']>[string];

export const columnOf = (source: Source | null | undefined): string | null =>
  source === null || source === undefined ? null : typeof source === 'string' ? source : (source.column ?? null);
const typeOf = (source: Source): CellType | null => (typeof source === 'string' ? null : (source.type ?? null));

const LISTS = [
  ['identity', 'identities'],
  ['trait', 'traits'],
  ['property', 'properties'],
  ['item', 'item'],
] as const;

/** The columns' roles as a map says them; a column that is both an identity and a trait is shown as the identity. */
export function rolesOf(map: ImportMap, columns: string[]): Role[] {
  return columns.map((column) => {
    for (const part of ['name', 'time'] as const) {
      if (columnOf(map[part]) === column) return { part, as: '', type: null };
    }
    for (const [part, key] of LISTS) {
      const found = Object.entries(map[key] ?? {}).find(([, source]) => columnOf(source) === column);
      if (found) return { part, as: found[0], type: typeOf(found[1]) };
    }
    return { part: 'ignore', as: '', type: null };
  });
}

/** The map with one column given another role. Cells that are not a plain column stay as they are. */
export function withRole(map: ImportMap, column: string, role: Role): ImportMap {
  const next: ImportMap = { ...map };
  for (const part of ['name', 'time'] as const) if (columnOf(next[part]) === column) next[part] = null;
  for (const [, key] of LISTS) {
    const kept = Object.entries(next[key] ?? {}).filter(([, source]) => columnOf(source) !== column);
    next[key] = Object.fromEntries(kept);
  }
  const source: Source = role.type ? { column, type: role.type } : column;
  if (role.part === 'name' || role.part === 'time') next[role.part] = source;
  const list = LISTS.find(([part]) => part === role.part);
  if (list) next[list[1]] = { ...next[list[1]], [role.as || column]: source };
  if (role.part === 'identity' && map.kind === 'customers' && role.as === 'email') next.traits = { ...next.traits, email: column };
  return next;
}

/** The map with a wish read from a column, or from none. */
export function withWish(map: ImportMap, aspect: Aspect, column: string | null): ImportMap {
  const kept = Object.entries(map.preferences ?? {}).filter(([each]) => each !== aspect);
  return { ...map, preferences: Object.fromEntries(column ? [...kept, [aspect, column]] : kept) };
}
