import { Tooltip } from '@mantine/core';
import { useEffect, useReducer } from 'react';
import { NOTHING, useFormat } from './format';

/** An instant, told as "3 minutes ago" with the full date on hover and for screen readers. */
export function Moment({ at, full }: { at: string | null | undefined; full?: boolean }) {
  const format = useFormat();
  const [, tick] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = setInterval(tick, 30_000);
    return () => clearInterval(timer);
  }, []);
  const now = Date.now(); // of this drawing: an instant that has just come must not lie ahead of an older now
  if (!at) return <>{NOTHING}</>;
  const exact = format.dateTime(at);
  const near = Math.abs(new Date(at).getTime() - now) < 86_400_000 * 6;
  const shown = full || !near ? exact : format.ago(at, now);
  return (
    <Tooltip label={exact} disabled={shown === exact}>
      <time dateTime={at} style={{ whiteSpace: 'nowrap' }}>{shown}</time>
    </Tooltip>
  );
}
