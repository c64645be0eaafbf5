import { Group, Text } from '@mantine/core';
import { Fragment } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { useSpan } from '@/design/DurationInput';
import { IconArrowRight } from '@/design/icons';
import { faceOf } from '../../channels/faces';
import { useChannelTitle } from '../../channels/vocabulary';
import styles from '../campaigns.module.css';

type Hop = Schema<'Fallback'>;

/** Why the next channel is tried, in words. */
export function useWhenNext(): (hop: Hop) => string {
  const { t, i18n } = useTranslation();
  const span = useSpan();
  const or = new Intl.ListFormat(i18n.language, { type: 'disjunction' });
  return (hop) =>
    or.format([
      t('campaigns.hop_on_failure'),
      hop.receipt_within ? t('campaigns.hop_no_receipt', { span: span(hop.receipt_within) }) : '',
      hop.answer_within ? t('campaigns.hop_no_answer', { span: span(hop.answer_within) }) : '',
    ].filter(Boolean));
}

/** The channels a message takes, one after another, drawn as a path. */
export function Chain({ channel, hops }: { channel: string; hops: Hop[] }) {
  const { t } = useTranslation();
  const title = useChannelTitle();
  const whenNext = useWhenNext();
  const node = (name: string, place: number) => {
    const Face = faceOf(name);
    return (
      <Group gap={8} wrap="nowrap" className={styles.node}>
        <Face size={18} stroke={1.6} aria-hidden />
        <div>
          <Text size="sm" fw={600} lh={1.2}>{title(name)}</Text>
          <Text size="xs" c="dimmed">{t(place === 0 ? 'campaigns.hop_first' : 'campaigns.hop_nth', { place: place + 1 })}</Text>
        </div>
      </Group>
    );
  };
  return (
    <div className={styles.chain} role="img" aria-label={t('campaigns.chain_of', { channels: [channel, ...hops.map((hop) => hop.channel)].map(title).join(' → ') })}>
      {node(channel, 0)}
      {hops.map((hop, place) => (
        <Fragment key={place}>
          <div className={styles.link}>
            <Text size="xs" c="dimmed" ta="center" lh={1.25}>{whenNext(hop)}</Text>
            <IconArrowRight size={16} aria-hidden />
          </div>
          {node(hop.channel, place + 1)}
        </Fragment>
      ))}
    </div>
  );
}
