import { useQuery } from '@tanstack/react-query';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';

export type Kind = Schema<'KindItem'>;
export type Account = Schema<'AccountItem'>;

/** The providers there are, for those who may see them. They change with the installation alone. */
export function useKinds() {
  const enabled = useMay('channels:read');
  return useQuery({ queryKey: ['channels', 'kinds'], queryFn: () => take(api.GET('/v1/channels/kinds')), staleTime: 60_000, enabled });
}

export function useAccounts(channel?: string) {
  const enabled = useMay('channels:read');
  return useQuery({
    enabled,
    queryKey: ['channels', 'accounts', channel],
    queryFn: () => take(api.GET('/v1/channels', { params: { query: { channel } } })),
  });
}

/** A channel in the reader's language; one that came in a package by its own title. */
export function useChannelTitle(): (channel: string) => string {
  const { t } = useTranslation();
  const kinds = useKinds().data;
  return useCallback(
    (channel) => t(`channel.${channel}`, { defaultValue: kinds?.find((one) => one.channel === channel)?.channel_title ?? channel }),
    [t, kinds],
  );
}

const SENDERS = ['from_email', 'sender', 'from_number', 'source', 'from', 'url', 'messaging_service_sid', 'host'];

/** Whom a message through this account is from, as far as its settings say. */
export function senderOf(account: Account): string {
  const found = SENDERS.map((name) => account.settings[name]).find((value) => typeof value === 'string' && value !== '');
  return typeof found === 'string' ? found : '';
}
