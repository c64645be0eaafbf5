import type {
  CompareOp, EventCondition, EventOp, Filter, GroupNode, Measure, Node, PropertyOp, TraitCondition, TraitOp, TraitType, Unit, Window,
} from './types';

export const UNITS: Unit[] = ['minutes', 'hours', 'days', 'weeks'];
export const MEASURES: Measure[] = ['count', 'distinct', 'sum', 'avg', 'min', 'max'];
export const EVENT_OPS: EventOp[] = ['did', 'did_not', 'ge', 'gt', 'eq', 'ne', 'le', 'lt', 'between'];
export const COMPARE_OPS: CompareOp[] = ['lt', 'le', 'ge', 'gt', 'between', 'eq', 'ne'];
export const PROPERTY_OPS: PropertyOp[] = [
  'is', 'is_not', 'in', 'not_in', 'gt', 'ge', 'lt', 'le', 'between', 'contains', 'starts', 'ends', 'set', 'not_set',
];

const TEXT: TraitOp[] = ['is', 'is_not', 'in', 'not_in', 'contains', 'not_contains', 'starts', 'ends', 'set', 'not_set'];
const ORDER: TraitOp[] = ['is', 'is_not', 'gt', 'ge', 'lt', 'le', 'between', 'in', 'not_in', 'set', 'not_set'];
const TIME: TraitOp[] = ['lt', 'le', 'gt', 'ge', 'between', 'is', 'is_not', 'set', 'not_set'];

/** What can be asked of a trait of each type, the likeliest first. */
export const TRAIT_OPS: Record<TraitType, TraitOp[]> = {
  text: TEXT,
  number: ORDER,
  boolean: ['is', 'is_not', 'set', 'not_set'],
  instant: TIME,
  date: TIME,
  text_list: ['is', 'is_not', 'in', 'all', 'not_in', 'set', 'not_set'],
};

export type Operands = 'none' | 'one' | 'two' | 'many';

export function operandsOf(op: TraitOp | PropertyOp): Operands {
  if (op === 'set' || op === 'not_set') return 'none';
  if (op === 'between') return 'two';
  return op === 'in' || op === 'not_in' || op === 'all' ? 'many' : 'one';
}

export function isGroup(node: Node): node is GroupNode {
  return node.kind === 'and' || node.kind === 'or';
}

/** A `not` around something is drawn as that thing, marked as excluded. */
export function peel(node: Node): { node: Node; excluded: boolean } {
  return node.kind === 'not' ? { node: node.of, excluded: true } : { node, excluded: false };
}

export function wrap(node: Node, excluded: boolean): Node {
  return excluded ? { kind: 'not', of: node } : node;
}

/** The builder always starts from a group. */
export function asGroup(node: Node): GroupNode {
  return isGroup(node) ? node : { kind: 'and', of: [node] };
}

export const NEW_TRAIT: TraitCondition = { kind: 'trait', trait: '', op: 'is', value: null, values: [] };

export const NEW_EVENT: EventCondition = {
  kind: 'event',
  name: '',
  op: 'did',
  where: [],
  window: { kind: 'last', amount: 30, unit: 'days' },
  measure: 'count',
  property: null,
  value: null,
  high: null,
};

export const NEW_FILTER: Filter = { property: '', op: 'is', value: null, values: [] };

const filled = (value: unknown) => value !== null && value !== undefined && value !== '';

function operandsFilled(one: { op: TraitOp | PropertyOp; value?: unknown; values?: readonly unknown[] }): boolean {
  const wanted = operandsOf(one.op);
  if (wanted === 'none') return true;
  if (wanted === 'one') return filled(one.value);
  const values = one.values ?? [];
  return wanted === 'two' ? values.length === 2 && values.every(filled) : values.length > 0;
}

function isCompared(one: { op?: string; value?: number | null; high?: number | null }): boolean {
  if (!one.op || one.op === 'did' || one.op === 'did_not') return true;
  return filled(one.value) && (one.op !== 'between' || filled(one.high));
}

const isFiltered = (where: Filter[] | undefined) => (where ?? []).every((one) => one.property !== '' && operandsFilled(one));

function isWindow(window: Window | null | undefined): boolean {
  if (window?.kind === 'ago') return Boolean(window.begin ?? window.end);
  return window?.kind !== 'since_event' || (window.name !== '' && isFiltered(window.where));
}

/** Whether every condition says all it must; only then is the server asked to count. */
export function isComplete(node: Node): boolean {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.of.every(isComplete);
    case 'not':
      return isComplete(node.of);
    case 'trait':
      return node.trait !== '' && operandsFilled(node);
    case 'age':
    case 'length':
      return node.trait !== '' && isCompared(node);
    case 'anniversary':
      return node.trait !== '';
    case 'near': {
      const numbers = [node.place.latitude, node.place.longitude, node.metres];
      return node.latitude !== '' && node.longitude !== '' && numbers.every(Number.isFinite);
    }
    case 'share':
      return node.salt !== '' && (node.begin ?? 0) < (node.end ?? 100);
    case 'event': {
      const measured = (node.measure ?? 'count') === 'count' || filled(node.property);
      return node.name !== '' && measured && isCompared(node) && isFiltered(node.where) && isWindow(node.window);
    }
    case 'event_time':
      return node.name !== '' && isFiltered(node.where) && isWindow(node.window);
    case 'sequence':
      return node.steps.length > 1 && node.steps.every((step) => step.name !== '' && isFiltered(step.where)) && isWindow(node.window);
    case 'engagement':
      return node.channel !== '' && isCompared(node) && isWindow(node.window);
    case 'consent':
      return node.channel !== '' && node.topic !== '';
    case 'reachable':
      return node.channel !== '';
    case 'segment':
      return node.id > 0;
    case 'lookalike':
      return node.id > 0 && node.percent > 0;
    case 'profiles':
      return node.ids.length > 0;
  }
}

export function isEmpty(node: Node): boolean {
  return isGroup(node) && node.of.length === 0;
}
