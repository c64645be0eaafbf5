import { Avatar, Button, Grid, Group, Menu, SimpleGrid, Skeleton, Stack, Tabs } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay, useSession } from '@/api/session';
import { useConfirm } from '@/design/Confirm';
import { Mark } from '@/design/Mark';
import { useFormat } from '@/design/format';
import { IconDots, IconDownload, IconTrash } from '@/design/icons';
import { Page } from '@/design/Page';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done, failed } from '@/design/toast';
import { useId } from '@/shell/address';
import { ConsentPanel } from '../consent/ConsentPanel';
import { PreferencePanel } from '../consent/PreferencePanel';
import { CustomerDeliveries } from '../delivery/CustomerDeliveries';
import { CustomerTimeline } from '../events/CustomerTimeline';
import { CustomerSegments } from '../segments/CustomerSegments';
import { Likings } from '../traits/Likings';
import { Identities } from './Identities';
import { Traits } from './Traits';

function save(name: string, content: unknown) {
  const url = URL.createObjectURL(new Blob([JSON.stringify(content, null, 2)], { type: 'application/json' }));
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}

/** One customer: who they are, what they allow, where they belong, what they did and what was said to them. */
export default function CustomerPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = useNavigate();
  const id = useId();
  const rooms = useSession().data?.rooms ?? [];
  const mayExport = useMay('profiles:export');
  const mayErase = useMay('profiles:erase');
  const mayTraits = useMay('segments:read');
  const mayConsent = useMay('consent:read');
  const mayDeliveries = useMay('delivery:read');
  const mayEvents = useMay('events:read');
  const [dialog, ask] = useConfirm();
  const path = { path: { profile_id: id } };
  const shown = useQuery({ queryKey: ['profile', id], queryFn: () => take(api.GET('/v1/profiles/{profile_id}', { params: path })) });
  const download = useMutation({
    mutationFn: () => take(api.POST('/v1/profiles/{profile_id}/export', { params: path })),
    onSuccess: (content) => save(`customer-${id}.json`, content),
    onError: failed,
  });
  const erase = useMutation({
    mutationFn: () => take(api.DELETE('/v1/profiles/{profile_id}', { params: path })),
    onSuccess: () => {
      done(t('profiles.erasing'));
      void navigate({ to: '/customers' });
    },
    onError: failed,
  });
  const customer = shown.data;
  const name = customer?.name || t('profiles.unnamed', { id });
  const confirmErase = async () => {
    const yes = await ask({ title: t('profiles.erase_title', { name }), body: t('profiles.erase_body'), confirm: t('profiles.erase'), danger: true });
    if (yes) erase.mutate();
  };
  const tabs = [
    { key: 'timeline', on: mayEvents && rooms.includes('events'), page: <CustomerTimeline id={id} /> },
    { key: 'deliveries', on: mayDeliveries && rooms.includes('delivery'), page: <CustomerDeliveries id={id} /> },
    { key: 'segments', on: mayTraits && rooms.includes('segments'), page: <CustomerSegments id={id} name={name} /> },
  ].filter((tab) => tab.on);
  return (
    <Page
      title={name}
      back={{ to: '/customers', label: t('nav.customers') }}
      lead={customer && t('profiles.seen', { first: format.date(customer.first_seen), last: format.dateTime(customer.last_seen) })}
      badge={
        customer && (
          <Group gap={6}>
            <Avatar size={28} radius="xl" name={customer.name || '?'} color="initials" aria-hidden />
            {!customer.known && <Mark colour="gray">{t('profiles.anonymous')}</Mark>}
            {customer.open_proposals > 0 && <Mark colour="yellow">{t('profiles.maybe_double')}</Mark>}
          </Group>
        )
      }
      actions={
        (mayExport || mayErase) && (
          <Menu position="bottom-end">
            <Menu.Target>
              <Button variant="default" px={8} aria-label={t('common.actions')}><IconDots size={16} /></Button>
            </Menu.Target>
            <Menu.Dropdown>
              {mayExport && <Menu.Item leftSection={<IconDownload size={15} />} onClick={() => download.mutate()}>{t('profiles.export')}</Menu.Item>}
              {mayErase && <Menu.Item color="red" leftSection={<IconTrash size={15} />} onClick={() => void confirmErase()}>{t('profiles.erase')}</Menu.Item>}
            </Menu.Dropdown>
          </Menu>
        )
      }
    >
      <ProblemAlert error={shown.error} onRetry={() => void shown.refetch()} />
      {shown.isLoading && <Skeleton height={360} />}
      {customer && (
        <Grid gap="md">
          <Grid.Col span={{ base: 12, md: 4 }}>
            <Stack>
              <Identities customer={customer} />
              {mayConsent && rooms.includes('consent') && <ConsentPanel id={id} />}
              <Traits customer={customer} />
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 8 }}>
            <SimpleGrid cols={{ base: 1, lg: 2 }} mb="md">
              {mayConsent && rooms.includes('consent') && <PreferencePanel id={id} />}
              <Likings id={id} />
            </SimpleGrid>
            <Tabs defaultValue={tabs[0]?.key} keepMounted={false}>
              <Tabs.List mb="md">
                {tabs.map((tab) => <Tabs.Tab key={tab.key} value={tab.key}>{t(`profiles.tab_${tab.key}`)}</Tabs.Tab>)}
              </Tabs.List>
              {tabs.map((tab) => <Tabs.Panel key={tab.key} value={tab.key}>{tab.page}</Tabs.Panel>)}
            </Tabs>
          </Grid.Col>
        </Grid>
      )}
      {dialog}
    </Page>
  );
}
