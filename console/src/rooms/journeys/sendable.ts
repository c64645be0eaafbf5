import { isComplete } from '../segments/tree';
import type { Node } from '../segments/types';
import type { Definition, EventMatch } from './model';

const named = (event: EventMatch | null) => event === null || (event.event.trim() !== '' && (event.filters ?? []).every((one) => one.property !== ''));
const told = (condition: Node | null) => condition === null || isComplete(condition);

/** A definition without the rules that are still being written: the server takes none whose event has no name yet. */
export function sendable(definition: Definition): Definition {
  const { goal } = definition;
  return {
    ...definition,
    entries: definition.entries.filter((one) => (one.kind === 'event' ? named(one.match) : one.kind === 'segment' || one.kind === 'schedule' ? one.segment_id > 0 : true)),
    exits: definition.exits.filter((one) => one.reason !== '' && named(one.event) && told(one.condition)),
    goal: goal && named(goal.event) && told(goal.condition) ? goal : null,
  };
}
