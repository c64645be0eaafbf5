import { Anchor, Group, Text, Timeline, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import { Status } from '@/design/Status';
import { faceOf } from '../channels/faces';
import { useChannelTitle } from '../channels/vocabulary';
import { useReasonTitle } from './reasons';
import styles from './delivery.module.css';

interface HopsProps {
  hops: Schema<'HopItem'>[];
  /** The one that is being explained. */
  here: number;
  onOpen: (id: number) => void;
}

/** The channels a message took, in order: what became of each, and why the next was tried. */
export function Hops({ hops, here, onOpen }: HopsProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const title = useChannelTitle();
  const reason = useReasonTitle();
  return (
    <div>
      <Title order={3} mb="sm">{t('delivery.hops')}</Title>
      <Timeline bulletSize={26} lineWidth={2} active={hops.length} className={styles.history}>
        {hops.map((hop) => {
          const Face = faceOf(hop.channel);
          return (
            <Timeline.Item key={hop.id} bullet={<Face size={14} stroke={1.7} aria-hidden />} aria-current={hop.id === here || undefined}>
              <Group justify="space-between" wrap="nowrap">
                <Group gap="xs">
                  {hop.id === here ? <Text size="sm" fw={600}>{title(hop.channel)}</Text> : <Anchor component="button" size="sm" fw={600} onClick={() => onOpen(hop.id)}>{title(hop.channel)}</Anchor>}
                  <Status state={hop.state} size="sm" />
                </Group>
                <Text size="xs" c="dimmed">{format.exact(hop.at)}</Text>
              </Group>
              <Text size="xs" c="dimmed">{hop.reason ? reason(hop.reason, hop.sentence) : hop.sentence}</Text>
            </Timeline.Item>
          );
        })}
      </Timeline>
    </div>
  );
}
