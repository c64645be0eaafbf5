import type { Schema } from '@/api/client';

/** The segment tree as the server's document describes it. */
export type Node = NonNullable<Schema<'SegmentItem'>['tree']>;
/** A node of one kind. */
export type Of<Kind extends Node['kind']> = Extract<Node, { kind: Kind }>;
export type TraitCondition = Of<'trait'>;
export type EventCondition = Of<'event'>;
export type GroupNode = Of<'and' | 'or'>;
export type Relative = Schema<'RelativeInstant'>;
export type Filter = Schema<'PropertyFilter'>;
export type Window = NonNullable<EventCondition['window']>;
/** A window that is the same for everybody. */
export type Fixed = Exclude<Window, { kind: 'since_event' }>;
export type Span = Schema<'Span'>;
export type Step = Of<'sequence'>['steps'][number];
export type Unit = Relative['unit'];
export type Operand = string | number | boolean | Relative;
export type Scalar = Exclude<Operand, Relative>;
export type TraitOp = TraitCondition['op'];
export type PropertyOp = Filter['op'];
export type EventOp = NonNullable<EventCondition['op']>;
export type CompareOp = Of<'age'>['op'];
export type Measure = NonNullable<EventCondition['measure']>;
export type TraitType = Schema<'Catalogue'>['traits'][number]['type'];
