import { useCallback, useMemo } from 'react';
import { useTranslation } from 'react-i18next';

/** Where an action's words stand: a hyphen for each underscore, as `_many` would be taken for a plural. */
const wordsOf = (action: string) => `audit_action.${action.replaceAll('_', '-')}`;

/** What was done, in words: `segments.publish` is "Published a segment"; one that has none keeps its code. */
export function useActionTitle(): (action: string) => string {
  const { t } = useTranslation();
  return useCallback((action) => t(wordsOf(action), { defaultValue: action }), [t]);
}

/** Every action there is, by its words; one that only an address names stands among them. */
export function useActionOptions(chosen: string | undefined): { value: string; label: string }[] {
  const { i18n } = useTranslation();
  return useMemo(() => {
    const rooms = i18n.getResource(i18n.language, 'translation', 'audit_action') as Record<string, Record<string, string>>;
    const options = Object.entries(rooms).flatMap(([room, verbs]) => Object.entries(verbs).map(([verb, label]) => ({ value: `${room}.${verb.replaceAll('-', '_')}`, label })));
    if (chosen && !options.some((one) => one.value === chosen)) options.push({ value: chosen, label: chosen });
    return options.sort((one, other) => one.label.localeCompare(other.label, i18n.language));
  }, [i18n, i18n.language, chosen]);
}

/** What it was done to: `segment:12` is "Segment 12". */
export function useSubjectTitle(): (subject: string) => string {
  const { t } = useTranslation();
  return useCallback(
    (subject) => {
      if (subject === 'delivery:rules') return t('nav.rules');
      const [kind = '', ...rest] = subject.split(':');
      if (kind === 'suppression') rest[0] = t(`channel.${rest[0]}`, { defaultValue: rest[0] ?? '' });
      return [t(`audit_subject.${kind.replaceAll('-', '_')}`, { defaultValue: kind }), rest.join(kind === 'suppression' ? ' ' : ':')].filter(Boolean).join(' ');
    },
    [t],
  );
}

const PLACES: Record<string, string> = {
  campaign: '/campaigns/',
  channel_account: '/channels/',
  experiment: '/experiments/',
  import: '/imports/',
  journey: '/journeys/',
  profile: '/customers/',
  segment: '/segments/',
  template: '/templates/',
};

/** Where a subject can be looked at, if it has a page. */
export function placeOf(subject: string): string | undefined {
  const [kind = '', id = ''] = subject.split(':');
  const place = PLACES[kind];
  return place && /^\d+$/.test(id) ? place + id : undefined;
}
