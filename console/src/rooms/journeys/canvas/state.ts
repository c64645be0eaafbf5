import { createContext, useContext } from 'react';
import type { Change } from '../diff';
import type { Kind } from '../exits';
import type { Definition } from '../model';

export interface Finding {
  level: 'error' | 'warning';
  code: string;
  place: string;
  step?: string;
  params?: Record<string, unknown>;
  message?: string;
}

/** How many went by each arrow, and how many are at each step now. `expected` numbers come from a rehearsal. */
export interface Numbers {
  expected?: boolean;
  entered?: number;
  /** By `step.exit`. */
  arrows: ReadonlyMap<string, number>;
  waiting: ReadonlyMap<string, number>;
}

/** What the steps on a canvas need to know of what is around them. */
export interface Around {
  definition: Definition;
  kinds: ReadonlyMap<string, Kind>;
  readOnly: boolean;
  findings: readonly Finding[];
  changes: ReadonlyMap<string, Change>;
  numbers: Numbers | null;
  /** Opens the people a number counts: at a step, or those who went by an exit. */
  onNumber?: (step: string, exit?: string) => void;
  onEdit: (edit: import('../edit').Edit) => void;
  onOpen: (key: string) => void;
}

export const AroundContext = createContext<Around | null>(null);

export function useAround(): Around {
  const around = useContext(AroundContext);
  if (!around) throw new Error('a step is drawn outside of a canvas');
  return around;
}

export const arrowOf = (step: string, exit: string): string => `${step}.${exit}`;
