import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';

const COLOURS: Record<string, string> = {
  draft: 'gray', scheduled: 'grape', running: 'iris', sending: 'iris', planning: 'iris', paused: 'yellow',
  finished: 'teal', completed: 'teal', done: 'teal', succeeded: 'teal', published: 'teal', active: 'teal', live: 'teal',
  ready: 'teal', cancelled: 'gray', archived: 'gray', failed: 'red', waiting: 'gray', previewed: 'grape',
  planned: 'gray', queued: 'gray', claimed: 'iris', speaking: 'iris', sent: 'blue', delivered: 'teal',
  opened: 'green', clicked: 'lime', bounced: 'orange', expired: 'gray', unknown: 'yellow', suppressed: 'gray',
  granted: 'teal', withdrawn: 'red', pending: 'yellow', unsubscribed: 'orange', complained: 'red', computing: 'iris',
};

/** The state of anything, by its one word and its one colour. */
export function Status({ state, size = 'md' }: { state: string; size?: 'sm' | 'md' | 'lg' }) {
  const { t } = useTranslation();
  const colour = COLOURS[state] ?? 'gray';
  return (
    <Badge
      size={size}
      color={colour}
      data-variant="light"
      style={{ '--badge-color': `var(--mantine-color-${colour}-9)` }}
    >
      {t(`state.${state}`, { defaultValue: state })}
    </Badge>
  );
}
