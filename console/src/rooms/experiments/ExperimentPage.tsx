import { Button, Group, Skeleton, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { useConfirm } from '@/design/Confirm';
import { EmptyState } from '@/design/EmptyState';
import { IconExperiment } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Status } from '@/design/Status';
import { done, failed } from '@/design/toast';
import { useId } from '@/shell/address';
import { Apart } from './Apart';
import { Alarms, ArmsPanel } from './ArmsPanel';
import { draftOf, type Shown } from './draft';
import { FinishDialog } from './FinishDialog';
import { MetricPanel } from './MetricPanel';
import { Summary } from './Summary';
import { Wizard } from './Wizard';

type Verb = 'start' | 'stop';

/** One experiment: what it is while it is a draft, what it comes to once people are in it. */
export default function ExperimentPage() {
  const { t } = useTranslation();
  const id = useId();
  const one = useQuery({ queryKey: ['experiment', id], queryFn: () => take(api.GET('/v1/experiments/{experiment_id}', { params: { path: { experiment_id: id } } })), refetchInterval: 10_000 });
  const back = { to: '/experiments', label: t('nav.experiments') };
  if (!one.data) return <Page title={t('nav.experiments')} back={back}>{one.error ? <ProblemAlert error={one.error} onRetry={() => void one.refetch()} /> : <Skeleton height={240} />}</Page>;
  return <Loaded key={one.data.id} one={one.data} />;
}

function Loaded({ one }: { one: Shown }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const may = useMay('experiments:write');
  const [dialog, ask] = useConfirm();
  const [editing, setEditing] = useState(false);
  const [finishing, setFinishing] = useState(false);
  const began = one.state !== 'draft';
  const titleOf = useCallback((arm: string) => one.design.arms.find((each) => each.key === arm)?.title || t(`experiments.arm_${arm}`, { defaultValue: arm }), [one.design.arms, t]);
  const path = { params: { path: { experiment_id: one.id } } };
  const results = useQuery({
    queryKey: ['experiment', one.id, 'results'],
    enabled: began,
    queryFn: () => take(api.GET('/v1/experiments/{experiment_id}/results', path)),
    refetchInterval: one.state === 'finished' ? false : 30_000,
  });
  const course = useQuery({
    queryKey: ['experiment', one.id, 'course'],
    enabled: began && (results.data?.metrics.length ?? 0) > 0,
    queryFn: () => take(api.GET('/v1/experiments/{experiment_id}/course', path)),
    refetchInterval: one.state === 'finished' ? false : 60_000,
  });
  const courseOf = (metric: string) => course.data?.metrics.find((each) => each.metric === metric);
  const changed = (next: Shown) => {
    client.setQueryData(['experiment', one.id], next);
    void client.invalidateQueries({ queryKey: ['experiments'] });
    void client.invalidateQueries({ queryKey: ['experiment', one.id] });
    void client.invalidateQueries({ queryKey: ['layers'] });
  };
  const move = useMutation({
    mutationFn: (verb: Verb) => take(verb === 'start' ? api.POST('/v1/experiments/{experiment_id}/start', path) : api.POST('/v1/experiments/{experiment_id}/stop', path)),
    onSuccess: (next, verb) => {
      changed(next);
      const undo: Verb = verb === 'start' ? 'stop' : 'start';
      done(t(`experiments.done_${verb}`), () => move.mutate(undo));
    },
    onError: failed,
  });
  const finish = useMutation({
    mutationFn: (winner: string | null) => take(api.POST('/v1/experiments/{experiment_id}/finish', { ...path, body: { winner } })),
    onSuccess: (next) => {
      changed(next);
      setFinishing(false);
      done(t('experiments.done_finish'));
    },
  });
  const remove = useMutation({
    mutationFn: () => take(api.DELETE('/v1/experiments/{experiment_id}', path)),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['experiments'] });
      done(t('experiments.done_remove'));
      void navigate({ to: '/experiments' });
    },
    onError: failed,
  });
  const start = async () => {
    if (one.state === 'stopped' || (await ask({ title: t('experiments.start_title', { name: one.design.name }), body: t('experiments.start_body'), confirm: t('experiments.start') }))) move.mutate('start');
  };
  const toss = async () => {
    if (await ask({ title: t('experiments.remove_title', { name: one.design.name }), body: t('experiments.remove_body'), confirm: t('common.remove'), danger: true })) remove.mutate();
  };
  const actions = may && !editing && one.state !== 'finished' && (
    <>
      {one.kind === 'random' && <Button variant="default" onClick={() => setEditing(true)}>{t('common.edit')}</Button>}
      {one.state === 'draft' && <Button variant="default" color="red" onClick={() => void toss()}>{t('common.remove')}</Button>}
      {one.state === 'running' && one.kind === 'random' && <Button variant="default" loading={move.isPending} onClick={() => move.mutate('stop')}>{t('experiments.stop')}</Button>}
      {began && <Button variant={one.state === 'running' ? 'filled' : 'default'} onClick={() => setFinishing(true)}>{t('experiments.finish')}</Button>}
      {(one.state === 'draft' || one.state === 'stopped') && <Button loading={move.isPending} onClick={() => void start()}>{t(one.state === 'draft' ? 'experiments.start' : 'experiments.go_on')}</Button>}
    </>
  );
  const found = results.data;
  return (
    <Page title={one.design.name} lead={one.design.description || undefined} back={{ to: '/experiments', label: t('nav.experiments') }} badge={<Status state={one.state} />} actions={actions}>
      {editing ? (
        <Wizard start={draftOf(one)} one={one} onSaved={(saved) => { setEditing(false); changed(saved); }} />
      ) : (
        <Stack>
          {found && <Alarms found={found} titleOf={titleOf} />}
          <Summary one={one} titleOf={titleOf} />
          <ProblemAlert error={results.error} onRetry={() => void results.refetch()} />
          {began && results.isLoading && <Skeleton height={240} />}
          {found && found.people === 0 && <Panel><EmptyState icon={IconExperiment} title={t('experiments.nobody')}>{t(one.kind === 'holdout' ? 'experiments.nobody_holdout' : 'experiments.nobody_hint', { key: one.key })}</EmptyState></Panel>}
          {found && found.people > 0 && (
            <>
              <ArmsPanel one={one} found={found} titleOf={titleOf} />
              {found.metrics.map((metric) => <MetricPanel key={metric.metric} metric={metric} titleOf={titleOf} level={found.alpha} course={courseOf(metric.metric)} />)}
              {found.metrics.length === 0 && <Panel><EmptyState icon={IconExperiment} title={t('experiments.no_metrics')}>{t('experiments.no_metrics_hint')}</EmptyState></Panel>}
              {found.metrics.length > 0 && <Apart id={one.id} metrics={found.metrics.map((metric) => metric.metric)} titleOf={titleOf} />}
              <Group gap={6}><Text size="xs" c="dimmed">{t('experiments.measured')}</Text><Text size="xs" c="dimmed" component="span"><Moment at={found.measured_at} /></Text></Group>
            </>
          )}
        </Stack>
      )}
      {finishing && <FinishDialog one={one} titleOf={titleOf} saving={finish} onFinish={(winner) => finish.mutate(winner)} onClose={() => setFinishing(false)} />}
      {dialog}
    </Page>
  );
}
