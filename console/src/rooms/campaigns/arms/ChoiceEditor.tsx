import { Checkbox, Group, NumberInput, Radio, Select, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DurationInput } from '@/design/DurationInput';
import type { StepProps } from '../steps/step';
import { metricsOf, NEW_CHOICE, type Choice } from './arms';

/** How one of the arms is chosen for everybody not told yet: on how many it is tried first, by what, when, and by whom. */
export function ChoiceEditor({ plan, onChange }: StepProps) {
  const { t } = useTranslation();
  const choice: Choice = { ...NEW_CHOICE, ...plan.arm_choice };
  const put = (part: Partial<Choice>) => onChange({ arm_choice: { ...choice, ...part } });
  const first = plan.kind === 'one_off' && plan.local_at === null;
  return (
    <Stack gap="sm" role="group" aria-label={t('arms.choice')}>
      <div>
        <Text size="sm" fw={550}>{t('arms.choice')}</Text>
        <Text size="xs" c="dimmed">{t(first ? 'arms.choice_hint' : 'arms.choice_hint_on')}</Text>
      </div>
      <Group align="flex-start">
        {first && <NumberInput label={t('arms.percent')} description={t('arms.percent_hint')} w={260} min={1} max={100} suffix=" %" decimalScale={1} value={choice.percent} onChange={(typed) => typed !== '' && put({ percent: Number(typed) })} />}
        <Select
          label={t('arms.metric')}
          description={t('arms.metric_hint')}
          w={260}
          allowDeselect={false}
          data={metricsOf(plan).map((metric) => ({ value: metric, label: t(`arms.by_${metric}`) }))}
          value={choice.metric}
          onChange={(metric) => put({ metric: metric as Choice['metric'] })}
        />
        <DurationInput label={t('arms.after')} description={t('arms.after_hint')} min={60} value={choice.after_seconds} onChange={(after_seconds) => put({ after_seconds })} />
      </Group>
      <Radio.Group label={t('arms.by')} value={choice.by} onChange={(by) => put({ by: by as Choice['by'] })}>
        <Stack gap={6} mt={4}>
          <Radio value="person" label={t('arms.by_person')} description={t('arms.by_person_hint')} />
          <Radio value="rule" label={t('arms.by_rule')} description={t('arms.by_rule_hint')} />
        </Stack>
      </Radio.Group>
      {choice.by === 'rule' && (
        <Stack gap="xs" pl="lg">
          <NumberInput label={t('arms.minimum')} w={260} min={1} value={choice.minimum} onChange={(typed) => typed !== '' && put({ minimum: Number(typed) })} />
          <Checkbox label={t('arms.sure')} description={t('arms.sure_hint')} checked={choice.sure} onChange={(event) => put({ sure: event.currentTarget.checked })} />
          {first && choice.percent < 100 && (
            <Select
              label={t('arms.otherwise')}
              w={320}
              allowDeselect={false}
              data={(['wait', 'leading', 'first'] as const).map((one) => ({ value: one, label: t(`arms.otherwise_${one}`) }))}
              value={choice.otherwise}
              onChange={(otherwise) => put({ otherwise: otherwise as Choice['otherwise'] })}
            />
          )}
        </Stack>
      )}
    </Stack>
  );
}
