import { Button, Menu, Modal, Radio, Stack, Switch, Group } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { useConfirm } from '@/design/Confirm';
import { IconDots, IconPause, IconPlay } from '@/design/icons';
import { done, failed } from '@/design/toast';
import { pathOf, useKeep, type Journey } from './api';
import type { Draft } from './draft';

type People = 'go_on' | 'end';

/** Ends a journey: those inside go on to their end, or all leave now. */
function Finish({ onFinish, onClose, pending }: { onFinish: (end: { people: People; queued: 'say' | 'cancel' }) => void; onClose: () => void; pending: boolean }) {
  const { t } = useTranslation();
  const [people, setPeople] = useState<People>('go_on');
  const [callOff, setCallOff] = useState(false);
  return (
    <Modal opened onClose={onClose} title={t('journeys.finish_title')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Stack>
        <Radio.Group label={t('journeys.people_then')} value={people} onChange={(next) => setPeople(next as People)}>
          <Stack gap={8} mt={6}>
            {(['go_on', 'end'] as const).map((one) => <Radio key={one} value={one} label={t(`journeys.finish_${one}`)} />)}
          </Stack>
        </Radio.Group>
        {people === 'end' && <Switch label={t('journeys.call_off')} checked={callOff} onChange={(event) => setCallOff(event.currentTarget.checked)} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button color="red.9" loading={pending} onClick={() => onFinish({ people, queued: people === 'end' && callOff ? 'cancel' : 'say' })}>{t('journeys.finish')}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

interface ActionsProps {
  journey: Journey;
  draft: Draft;
  onPublish: () => void;
  onRename: () => void;
}

/** What can be done to the whole journey. */
export function JourneyActions({ journey, draft, onPublish, onRename }: ActionsProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const keep = useKeep();
  const mayWrite = useMay('journeys:write');
  const mayPublish = useMay('journeys:publish');
  const [dialog, ask] = useConfirm();
  const [finishing, setFinishing] = useState(false);
  const { state } = journey;
  const tell = useMutation({
    mutationFn: (verb: 'pause' | 'resume') => take(api.POST(`/v1/journeys/{journey_id}/${verb}`, pathOf(journey.id))),
    onSuccess: (changed, verb) => {
      keep(changed);
      done(t(`journeys.done_${verb}`), () => tell.mutate(verb === 'pause' ? 'resume' : 'pause'));
    },
    onError: failed,
  });
  const finish = useMutation({
    mutationFn: (end: { people: People; queued: 'say' | 'cancel' }) => take(api.POST('/v1/journeys/{journey_id}/finish', { ...pathOf(journey.id), body: end })),
    onSuccess: (changed) => {
      keep(changed);
      setFinishing(false);
      done(t('journeys.done_finish'));
    },
    onError: failed,
  });
  const copy = useMutation({
    mutationFn: async () => {
      await draft.flush();
      return take(api.POST('/v1/journeys', { body: { name: t('journeys.copy_of', { name: journey.name }), copy_of: journey.id } }));
    },
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: ['journeys'] });
      void navigate({ to: `/journeys/${made.id}` });
    },
    onError: failed,
  });
  const archive = useMutation({
    mutationFn: (archived: boolean) => take(api.PATCH('/v1/journeys/{journey_id}', { ...pathOf(journey.id), body: { archived } })),
    onSuccess: (changed, archived) => {
      keep(changed);
      done(t(archived ? 'journeys.archived' : 'journeys.restored', { name: journey.name }), archived ? () => archive.mutate(false) : undefined);
    },
    onError: failed,
  });
  const remove = useMutation({
    mutationFn: () => take(api.DELETE('/v1/journeys/{journey_id}', pathOf(journey.id))),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['journeys'] });
      void navigate({ to: '/journeys' });
    },
    onError: failed,
  });
  const erase = async () => {
    const yes = await ask({ title: t('journeys.delete_title'), body: t('journeys.delete_body'), confirm: t('common.delete'), danger: true });
    if (yes) remove.mutate();
  };
  return (
    <>
      {mayPublish && state === 'live' && <Button variant="default" leftSection={<IconPause size={16} />} loading={tell.isPending} onClick={() => tell.mutate('pause')}>{t('journeys.pause')}</Button>}
      {mayPublish && state === 'paused' && <Button variant="default" leftSection={<IconPlay size={16} />} loading={tell.isPending} onClick={() => tell.mutate('resume')}>{t('journeys.resume')}</Button>}
      {mayPublish && state !== 'archived' && <Button leftSection={<IconPlay size={16} />} onClick={onPublish}>{t(journey.live_version === null ? 'journeys.launch' : 'journeys.publish')}</Button>}
      {mayWrite && (
        <Menu position="bottom-end">
          <Menu.Target><Button variant="default" px={8} aria-label={t('common.actions')}><IconDots size={16} /></Button></Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={onRename}>{t('journeys.rename')}</Menu.Item>
            <Menu.Item onClick={() => copy.mutate()}>{t('journeys.make_copy')}</Menu.Item>
            {mayPublish && (state === 'live' || state === 'paused') && <Menu.Item color="red" onClick={() => setFinishing(true)}>{t('journeys.finish')}</Menu.Item>}
            {(state === 'draft' || state === 'finished') && <Menu.Item onClick={() => archive.mutate(true)}>{t('common.archive')}</Menu.Item>}
            {state === 'archived' && <Menu.Item onClick={() => archive.mutate(false)}>{t('common.restore')}</Menu.Item>}
            {state === 'draft' && <Menu.Item color="red" onClick={() => void erase()}>{t('common.delete')}</Menu.Item>}
          </Menu.Dropdown>
        </Menu>
      )}
      {finishing && <Finish pending={finish.isPending} onFinish={(end) => finish.mutate(end)} onClose={() => setFinishing(false)} />}
      {dialog}
    </>
  );
}
