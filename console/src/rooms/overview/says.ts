import { useTranslation } from 'react-i18next';

/** What a job says it is at, in the reader's language; what has no word of ours stands as it is. */
export function useJobSays(): (message: string) => string {
  const { t } = useTranslation();
  return (message) => message && t(`job.says.${message.replaceAll(' ', '_')}`, { defaultValue: message });
}
