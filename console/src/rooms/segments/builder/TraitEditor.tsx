import { Group, Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { OperandInput } from './OperandInput';
import { operandsOf, TRAIT_OPS } from '../tree';
import type { TraitCondition, TraitOp, TraitType } from '../types';
import { useCatalogue, useTraitNames } from '../vocabulary';
import { useWrong } from './wrong';

interface TraitEditorProps {
  node: TraitCondition;
  onChange: (node: TraitCondition) => void;
}

/** "Plan is Pro": a trait, what is asked of it, and the value of the trait's type. */
export function TraitEditor({ node, onChange }: TraitEditorProps) {
  const { t } = useTranslation();
  const known = useCatalogue().traits;
  const type: TraitType = known.find((one) => one.name === node.trait)?.type ?? 'text';
  const ops = TRAIT_OPS[type];
  const said = type === 'date' || type === 'instant' ? 'time_op' : type === 'text_list' ? 'list_op' : 'op';
  const wrong = useWrong();
  const names = useTraitNames();
  const pick = (trait: string | null) => {
    const next = known.find((one) => one.name === trait)?.type ?? 'text';
    const op = TRAIT_OPS[next][0] ?? 'is';
    const keeps = next === type && TRAIT_OPS[next].includes(node.op);
    onChange(keeps ? { ...node, trait: trait ?? '' } : { kind: 'trait', trait: trait ?? '', op, value: null, values: [] });
  };
  return (
    <Group gap="xs">
      <Select
        aria-label={t('segments.trait')}
        placeholder={t('segments.pick_trait')}
        w={190}
        searchable
        error={wrong('trait')}
        data={node.trait && !names.includes(node.trait) ? [node.trait, ...names] : names}
        value={node.trait || null}
        onChange={pick}
        nothingFoundMessage={t('segments.no_traits')}
      />
      <Select
        aria-label={t('segments.comparison')}
        w={170}
        error={wrong('op')}
        data={ops.map((op) => ({ value: op, label: t(`segments.${said}.${op}`) }))}
        value={node.op}
        onChange={(op) => {
          if (!op) return;
          const same = operandsOf(op as TraitOp) === operandsOf(node.op);
          onChange({ ...node, op: op as TraitOp, ...(same ? {} : { value: null, values: [] }) });
        }}
      />
      <OperandInput
        label={t('segments.value_of', { name: node.trait || t('segments.trait') })}
        type={type}
        op={node.op}
        error={wrong('value') || wrong('values')}
        value={node.value}
        values={node.values ?? []}
        suggestions={known.find((one) => one.name === node.trait)?.values}
        onChange={(change) => onChange({ ...node, ...change })}
      />
    </Group>
  );
}
