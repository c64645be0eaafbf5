import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { textOf, type FormProps } from './form';

/** Under which rules it is said, and what about. */
export function ClassAndTopic({ settings, put }: Pick<FormProps, 'settings' | 'put'>) {
  const { t } = useTranslation();
  const topics = useQuery({ queryKey: ['topics'], queryFn: () => take(api.GET('/v1/topics')) });
  const chosen = textOf(settings.message_class) || 'marketing';
  return (
    <>
      <Select
        label={t('campaigns.class')}
        allowDeselect={false}
        data={(['marketing', 'service', 'transactional'] as const).map((one) => ({ value: one, label: t(`campaigns.class_name.${one}`) }))}
        value={chosen}
        onChange={(message_class) => put({ message_class })}
      />
      <Select
        label={t('consent.topic')}
        required={chosen === 'marketing'}
        clearable={chosen !== 'marketing'}
        clearButtonProps={{ 'aria-label': t('common.clear') }}
        data={(topics.data ?? []).map((topic) => ({ value: topic.name, label: topic.title }))}
        value={textOf(settings.topic) || null}
        onChange={(topic) => put({ topic })}
      />
    </>
  );
}
