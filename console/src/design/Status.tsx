import { useTranslation } from 'react-i18next';
import { Mark, type MarkColour } from './Mark';

const COLOURS: Record<string, MarkColour> = {
  draft: 'gray', scheduled: 'grape', running: 'iris', sending: 'iris', planning: 'iris', paused: 'yellow',
  finished: 'teal', completed: 'teal', done: 'teal', succeeded: 'teal', published: 'teal', active: 'teal', live: 'teal',
  ready: 'teal', stopped: 'yellow', cancelled: 'gray', archived: 'gray', failed: 'red', waiting: 'gray', previewed: 'grape',
  planned: 'gray', queued: 'gray', claimed: 'iris', speaking: 'iris', sent: 'blue', delivered: 'teal',
  opened: 'green', clicked: 'lime', bounced: 'orange', expired: 'gray', unknown: 'yellow', suppressed: 'gray',
  granted: 'teal', withdrawn: 'red', pending: 'yellow', unsubscribed: 'orange', complained: 'red', computing: 'iris',
  awaiting_approval: 'yellow', approved: 'teal', refused: 'red', replied: 'teal', passed: 'teal', locked: 'red',
};

/** The state of anything, by its one word and its one colour. */
export function Status({ state, size = 'md' }: { state: string; size?: 'sm' | 'md' | 'lg' }) {
  const { t } = useTranslation();
  return (
    <Mark size={size} colour={COLOURS[state] ?? 'gray'}>
      {t(`state.${state}`, { defaultValue: state })}
    </Mark>
  );
}
