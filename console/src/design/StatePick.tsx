import { Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';

interface StatePickProps<S extends string> {
  states: readonly S[];
  value: string | undefined;
  onChange: (state: S | null) => void;
  /** What is shown while none is picked. */
  any?: string;
  w?: number;
}

/** Above a list: only those in one state. */
export function StatePick<S extends string>({ states, value, onChange, any, w = 180 }: StatePickProps<S>) {
  const { t } = useTranslation();
  return (
    <Select
      aria-label={t('common.state')}
      placeholder={any ?? t('delivery.any_state')}
      data={states.map((state: string) => ({ value: state, label: t(`state.${state}`, { defaultValue: state }) }))}
      value={value ?? null}
      onChange={(state) => onChange(state as S | null)}
      clearable
      clearButtonProps={{ 'aria-label': t('common.clear') }}
      w={w}
    />
  );
}
