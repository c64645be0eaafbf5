import type { Plan } from '../plan';

export interface StepProps {
  plan: Plan;
  onChange: (part: Partial<Plan>) => void;
}
