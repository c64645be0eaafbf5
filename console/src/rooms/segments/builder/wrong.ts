import { createContext, useContext } from 'react';
import type { Problem } from '@/api/problem';

/** What the server refused about the tree, if anything. */
export const Refused = createContext<Problem | null>(null);
/** The place in the tree of the condition around, as the server names it. */
export const Place = createContext('tree');

const within = (field: string, path: string) => field === path || field.startsWith(`${path}.`) || field.startsWith(`${path}[`);

/** Whether the server refused a part of a tree or something in it. */
export function isInTree(problem: Problem | null): boolean {
  return problem?.field ? within(problem.field, 'tree') && problem.field !== 'tree' : false;
}

/** Whether the server refused that field of the condition around. */
export function useWrong(): (field: string) => boolean {
  const problem = useContext(Refused);
  const path = useContext(Place);
  return (field) => Boolean(problem?.field && within(problem.field, `${path}.${field}`));
}

/** What the server says against the condition at a place itself, and not against one inside it. */
export function useRefusal(path: string): string | null {
  const problem = useContext(Refused);
  if (!problem?.field || !within(problem.field, path)) return null;
  return within(problem.field, `${path}.of`) ? null : problem.message;
}
