import { Alert, Anchor, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { IconInfo } from '@/design/icons';

/** Known people who share an identity wait for somebody to decide. Nothing is shown when nobody waits. */
export function Proposals() {
  const { t } = useTranslation();
  const may = useMay('profiles:write');
  const open = useQuery({
    queryKey: ['proposals', 'waiting'],
    queryFn: () => take(api.GET('/v1/merge-proposals', { params: { query: { state: 'open', limit: 50 } } })),
    enabled: may,
  });
  const count = open.data?.items.length ?? 0;
  if (!may || count === 0) return null;
  return (
    <Alert mb="md" variant="light" icon={<IconInfo size={18} />} title={t('profiles.proposals')}>
      <Group justify="space-between">
        <Text size="sm">{t('profiles.waiting', { count, shown: open.data?.next ? `${count}+` : count })}</Text>
        <Anchor component={Link} to="/customers/merges" size="sm">{t('profiles.review')}</Anchor>
      </Group>
    </Alert>
  );
}
