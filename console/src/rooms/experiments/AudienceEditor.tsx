import { NumberInput, Select, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useFormat } from '@/design/format';
import { SegmentsPicker } from '../segments/SegmentPicker';
import { useTraitNames } from '../segments/vocabulary';
import type { Draft, Strata } from './draft';

interface AudienceProps {
  draft: Draft;
  locked: boolean;
  onChange: (part: Partial<Draft>) => void;
}

const NEW: Record<Strata['by'], Strata> = { trait: { by: 'trait', trait: '' }, segments: { by: 'segments', ids: [] } };

/** Whom it asks: the share that takes part, the layer it shares with others, and what arms are balanced within. */
export function AudienceEditor({ draft, locked, onChange }: AudienceProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const traits = useTraitNames(['text', 'boolean', 'number', 'date']);
  const layers = useQuery({ queryKey: ['layers'], queryFn: () => take(api.GET('/v1/layers')) });
  const { strata } = draft;
  return (
    <Stack gap="sm" maw={560}>
      <Select
        label={t('experiments.layer')}
        description={t('experiments.layer_hint')}
        disabled={locked}
        clearable
        placeholder={t('experiments.no_layer')}
        data={(layers.data ?? []).map((one) => ({ value: one.name, label: t('experiments.layer_free', { name: one.title || one.name, free: format.percent(one.free, 100) }) }))}
        value={draft.layer}
        onChange={(layer) => onChange({ layer })}
      />
      <NumberInput
        label={t('experiments.percent')}
        description={t(draft.layer === null ? 'experiments.percent_hint' : 'experiments.percent_layer_hint')}
        w={260}
        disabled={locked}
        min={0.1}
        max={100}
        decimalScale={1}
        suffix=" %"
        value={draft.percent}
        onChange={(typed) => onChange({ percent: Number(typed) || 0 })}
      />
      <Select
        label={t('experiments.strata')}
        description={t('experiments.strata_hint')}
        disabled={locked}
        allowDeselect={false}
        data={[{ value: 'none', label: t('experiments.strata_none') }, { value: 'trait', label: t('experiments.strata_trait') }, { value: 'segments', label: t('experiments.strata_segments') }]}
        value={strata?.by ?? 'none'}
        onChange={(by) => onChange({ strata: by === 'none' || by === null ? null : NEW[by as Strata['by']] })}
      />
      {strata?.by === 'trait' && (
        <Select label={t('experiments.trait')} disabled={locked} searchable data={traits} value={strata.trait || null} onChange={(trait) => onChange({ strata: { by: 'trait', trait: trait ?? '' } })} />
      )}
      {strata?.by === 'segments' && <SegmentsPicker label={t('experiments.segments')} description={t('experiments.segments_hint')} value={strata.ids} onChange={(ids) => !locked && onChange({ strata: { by: 'segments', ids } })} />}
    </Stack>
  );
}
