import { TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { FormDrawer } from '@/design/SaveForm';
import { metricOf, NEW_METRIC, takesProperty, type Shown } from './draft';
import { MetricEditor } from './MetricsEditor';

/** Shows what all marketing does: everybody who is held out of it beside everybody who is not. */
export function WatchHoldout({ onClose, onMade }: { onClose: () => void; onMade: (made: Shown) => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState(t('experiments.holdout_name'));
  const [metric, setMetric] = useState({ ...NEW_METRIC, within_hours: 30 * 24 });
  const make = useMutation({
    mutationFn: () => take(api.POST('/v1/holdouts/{name}/experiment', { params: { path: { name: 'universal' } }, body: { name, metrics: [metricOf(metric)] } })),
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: ['experiments'] });
      onMade(made);
    },
  });
  const lacks = !name.trim() || !metric.name.trim() || !metric.event || (takesProperty(metric.kind) && !metric.property);
  return (
    <FormDrawer size="lg" title={t('experiments.watch_holdout')} saving={make} disabled={lacks} action={t('common.create')} onSubmit={() => make.mutate()} onClose={onClose}>
      <TextInput label={t('common.name')} required maxLength={200} value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <MetricEditor metric={metric} onChange={setMetric} />
    </FormDrawer>
  );
}
