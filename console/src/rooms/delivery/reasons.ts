import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { useFormat } from '@/design/format';

/** A reason's short title in the reader's language; the server's own words where the catalogue has none. */
export function useReasonTitle(): (code: string, fallback: string) => string {
  const { t } = useTranslation();
  return useCallback((code, fallback) => t(`reason.${code}`, { defaultValue: fallback }), [t]);
}

type Told = Pick<Schema<'DeliveryItem'>, 'state' | 'reason' | 'channel' | 'topic' | 'address' | 'attempts' | 'detail' | 'sent_at' | 'due_at' | 'next_attempt_at'>;

/** Why a delivery is in its state, in the reader's language; the server's own words where the catalogue has none. */
export function useReasonSentence(): (item: Told, fallback: string, topicTitle?: string | null) => string {
  const { t } = useTranslation();
  const format = useFormat();
  return useCallback(
    (item, fallback, topicTitle) => {
      const putOff = item.state === 'queued' && item.attempts > 0;
      return t(`why.${putOff ? 'put_off' : (item.reason ?? `state_${item.state}`)}`, {
        address: item.address ?? '',
        attempts: item.attempts,
        channel: t(`channel.${item.channel}`, { defaultValue: item.channel }),
        detail: item.detail ?? '',
        due_at: format.dateTime(item.due_at),
        next_attempt_at: format.dateTime(item.next_attempt_at),
        sent_at: format.dateTime(item.sent_at),
        topic: topicTitle ?? item.topic ?? '',
        defaultValue: fallback,
      }).trim();
    },
    [t, format],
  );
}
