import { Alert, Button, Group, Stack, Text, Textarea } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSession } from '@/api/session';
import { useFormat } from './format';
import { IconCheck } from './icons';
import { ProblemAlert } from './ProblemAlert';

const COLOURS = { asked: 'yellow', approved: 'teal', refused: 'red' } as const;

type Props = {
  title: string;
  state: keyof typeof COLOURS;
  approval: { asked_by: string; asked_at: string; decided_by: string | null; decided_at: string | null; comment: string };
  /** Who wrote any of it, as subjects (`person:7`): they cannot decide. */
  authors: readonly string[];
  /** What they are told instead. */
  ownHint: string;
  /** Whether who looks at it has the permission to decide. */
  may: boolean;
  decide: { mutate: (decision: { verb: 'approve' | 'refuse'; comment: string }) => void; error: unknown; isPending: boolean };
};

/** Who asked for approval, who decided, and the decision itself for those who may take it. */
export function Approval({ title, state, approval, authors, ownHint, may, decide }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const me = useSession().data;
  const [comment, setComment] = useState('');
  const own = me !== undefined && authors.includes(`${me.kind}:${me.id}`);
  return (
    <Alert color={COLOURS[state]} title={title} data-testid="approval">
      <Stack gap="xs">
        <Text size="sm">{t('campaigns.asked_by', { who: approval.asked_by, when: format.dateTime(approval.asked_at) })}</Text>
        {approval.decided_by && <Text size="sm">{t('campaigns.decided_by', { who: approval.decided_by, when: format.dateTime(approval.decided_at ?? '') })}</Text>}
        {approval.comment && <Text size="sm" fs="italic">{`“${approval.comment}”`}</Text>}
        {state === 'asked' && own && <Text size="sm">{ownHint}</Text>}
        {state === 'asked' && may && !own && (
          <>
            <ProblemAlert error={decide.error} />
            <Textarea label={t('campaigns.comment')} autosize minRows={2} maxLength={4000} value={comment} onChange={(event) => setComment(event.currentTarget.value)} />
            <Group>
              <Button leftSection={<IconCheck size={16} />} loading={decide.isPending} onClick={() => decide.mutate({ verb: 'approve', comment })}>{t('campaigns.approve')}</Button>
              <Button variant="default" color="red" loading={decide.isPending} onClick={() => decide.mutate({ verb: 'refuse', comment })}>{t('campaigns.refuse')}</Button>
            </Group>
          </>
        )}
      </Stack>
    </Alert>
  );
}
