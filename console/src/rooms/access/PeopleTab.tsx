import { ActionIcon, Alert, Button, CopyButton, Group, Menu, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay, useSession } from '@/api/session';
import { DataTable } from '@/design/DataTable';
import { Mark } from '@/design/Mark';
import { IconDots, IconPlus } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { SaveForm } from '@/design/SaveForm';
import { Secret } from '@/design/Secret';
import { done, failed } from '@/design/toast';

type Person = Schema<'Person'>;
type Role = Person['role'];
const ROLES: Role[] = ['owner', 'marketer', 'analyst', 'agent', 'branch_manager', 'developer'];

function Invite({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const form = useForm({ initialValues: { email: '', name: '', role: 'marketer' as Role } });
  const invite = useMutation({
    mutationFn: (body: Schema<'Invitation'>) => take(api.POST('/v1/people', { body })),
    onSuccess: () => void client.invalidateQueries({ queryKey: ['people'] }),
  });
  const close = () => {
    form.reset();
    invite.reset();
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title={t('people.invite')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      {invite.data ? (
        <Stack>
          <Secret title={t('people.invited', { email: invite.data.person.email })} value={invite.data.link} />
          <Group justify="flex-end"><Button onClick={close}>{t('common.close')}</Button></Group>
        </Stack>
      ) : (
        <SaveForm saving={invite} action={t('people.invite')} onSubmit={form.onSubmit((values) => invite.mutate(values))} onClose={close}>
          <TextInput label={t('access.email')} type="email" required data-autofocus {...form.getInputProps('email')} />
          <TextInput label={t('people.name')} {...form.getInputProps('name')} />
          <Select
            label={t('people.role')}
            description={t(`people.role_hint.${form.values.role}`)}
            data={ROLES.map((role) => ({ value: role, label: t(`role.${role}`) }))}
            allowDeselect={false}
            {...form.getInputProps('role')}
          />
        </SaveForm>
      )}
    </Modal>
  );
}

/** Who works here, and what each may do. */
export default function PeopleTab() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const me = useSession().data;
  const may = useMay('access:manage_people');
  const [inviting, setInviting] = useState(false);
  const [link, setLink] = useState<string | null>(null);
  const people = useQuery({ queryKey: ['people'], queryFn: () => take(api.GET('/v1/people')) });
  const refresh = () => client.invalidateQueries({ queryKey: ['people'] });
  const change = useMutation({
    mutationFn: ({ id, body }: { id: number; body: Schema<'PersonChange'> }) =>
      take(api.PATCH('/v1/people/{person_id}', { params: { path: { person_id: id } }, body })),
    onSuccess: refresh,
    onError: failed,
  });
  const reset = useMutation({
    mutationFn: (id: number) => take(api.POST('/v1/people/{person_id}/reset', { params: { path: { person_id: id } } })),
    onSuccess: (invited) => setLink(invited.link),
    onError: failed,
  });
  const disable = (person: Person, disabled: boolean) =>
    change.mutate(
      { id: person.id, body: { disabled } },
      {
        onSuccess: () =>
          done(t(disabled ? 'people.disabled_done' : 'people.enabled_done', { name: person.name || person.email }), () =>
            change.mutate({ id: person.id, body: { disabled: !disabled } }),
          ),
      },
    );

  return (
    <Panel
      title={t('people.title')}
      hint={t('people.hint')}
      flush
      actions={may && <Button leftSection={<IconPlus size={16} />} onClick={() => setInviting(true)}>{t('people.invite')}</Button>}
    >
      <ProblemAlert error={people.error} />
      {link && (
        <Alert color="yellow" m="md" title={t('people.reset_link')} withCloseButton closeButtonLabel={t('common.close')} onClose={() => setLink(null)}>
          <Group justify="space-between">
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>{link}</Text>
            <CopyButton value={link}>
              {({ copied, copy }) => <Button size="xs" variant="default" onClick={copy}>{copied ? t('common.copied') : t('common.copy')}</Button>}
            </CopyButton>
          </Group>
        </Alert>
      )}
      <DataTable
        label={t('people.title')}
        rows={people.data}
        loading={people.isLoading}
        rowKey={(person) => person.id}
        columns={[
          {
            key: 'who',
            head: t('people.name'),
            cell: (person) => (
              <div>
                <Text size="sm" fw={550}>{person.name || person.email}</Text>
                <Text size="xs" c="dimmed">{person.email}</Text>
              </div>
            ),
          },
          {
            key: 'role',
            head: t('people.role'),
            cell: (person) =>
              may && person.id !== me?.id ? (
                <Select
                  size="xs"
                  w={170}
                  aria-label={t('people.role_of', { name: person.name || person.email })}
                  data={ROLES.map((role) => ({ value: role, label: t(`role.${role}`) }))}
                  value={person.role}
                  allowDeselect={false}
                  onChange={(role) => role && change.mutate({ id: person.id, body: { role: role as Role } })}
                />
              ) : (
                t(`role.${person.role}`)
              ),
          },
          {
            key: 'state',
            head: t('common.state'),
            cell: (person) => (
              <Group gap={6}>
                {person.disabled_at ? (
                  <Mark colour="gray">{t('people.disabled')}</Mark>
                ) : person.invited ? (
                  <Mark colour="yellow">{t('people.waiting')}</Mark>
                ) : (
                  <Mark colour="teal">{t('state.active')}</Mark>
                )}
                {person.second_factor && <Mark colour="iris">{t('people.factor')}</Mark>}
              </Group>
            ),
          },
          { key: 'seen', head: t('people.last_sign_in'), cell: (person) => <Moment at={person.last_sign_in_at} /> },
          {
            key: 'menu',
            head: t('common.actions'),
            right: true,
            width: 80,
            cell: (person) =>
              may && person.id !== me?.id ? (
                <Menu position="bottom-end">
                  <Menu.Target>
                    <ActionIcon variant="subtle" color="gray" aria-label={t('people.actions_for', { name: person.name || person.email })}>
                      <IconDots size={16} />
                    </ActionIcon>
                  </Menu.Target>
                  <Menu.Dropdown>
                    <Menu.Item onClick={() => reset.mutate(person.id)}>{t('people.reset')}</Menu.Item>
                    <Menu.Item onClick={() => disable(person, person.disabled_at === null)}>
                      {person.disabled_at ? t('people.enable') : t('people.disable')}
                    </Menu.Item>
                  </Menu.Dropdown>
                </Menu>
              ) : null,
          },
        ]}
      />
      <Invite opened={inviting} onClose={() => setInviting(false)} />
    </Panel>
  );
}
