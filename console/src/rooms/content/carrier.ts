import { useMemo } from 'react';
import { useKinds, type Kind } from '../channels/vocabulary';

/** What a channel can carry, by any of its providers. */
export interface Carrier {
  channel: string;
  html: boolean;
  subject: boolean;
}

function carrierOf(channel: string, kinds: Kind[]): Carrier {
  const of = kinds.filter((one) => one.channel === channel);
  return {
    channel,
    html: of.length === 0 || of.some((one) => one.capabilities.html),
    subject: of.length === 0 || of.some((one) => one.capabilities.subject),
  };
}

export function useCarriers(): Carrier[] {
  const kinds = useKinds().data;
  return useMemo(() => [...new Set((kinds ?? []).map((one) => one.channel))].map((one) => carrierOf(one, kinds ?? [])), [kinds]);
}

export function useCarrier(channel: string): Carrier {
  const kinds = useKinds().data;
  return useMemo(() => carrierOf(channel, kinds ?? []), [channel, kinds]);
}
