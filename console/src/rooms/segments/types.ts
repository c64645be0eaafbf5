import type { Schema } from '@/api/client';

/** The segment tree as the server's document describes it. */
export type Node = NonNullable<Schema<'SegmentItem'>['tree']>;
export type TraitCondition = Extract<Node, { kind: 'trait' }>;
export type EventCondition = Extract<Node, { kind: 'event' }>;
export type GroupNode = Extract<Node, { kind: 'and' | 'or' }>;
export type Relative = Schema<'RelativeInstant'>;
export type Filter = Schema<'PropertyFilter'>;
export type Window = NonNullable<EventCondition['window']>;
export type Unit = Relative['unit'];
export type Operand = string | number | boolean | Relative;
export type Scalar = Exclude<Operand, Relative>;
export type TraitOp = TraitCondition['op'];
export type PropertyOp = Filter['op'];
export type EventOp = NonNullable<EventCondition['op']>;
export type Measure = NonNullable<EventCondition['measure']>;
export type TraitType = Schema<'Catalogue'>['traits'][number]['type'];
