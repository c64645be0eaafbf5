import { Group, Select, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { COMPARE_OPS } from '../tree';
import type { Of } from '../types';
import { Compared, NumberPick, Said, TraitPick } from './inputs';
import { useWrong } from './wrong';

interface EditorProps<Kind extends 'age' | 'length' | 'anniversary' | 'near' | 'share'> {
  node: Of<Kind>;
  onChange: (node: Of<Kind>) => void;
}

/** "Age by birthday is less than 25". */
export function AgeEditor({ node, onChange }: EditorProps<'age'>) {
  const { t } = useTranslation();
  const wrong = useWrong();
  return (
    <Group gap="xs">
      <Said>{t('build.age_by')}</Said>
      <TraitPick label={t('build.birth_date')} types={['date', 'instant']} value={node.trait} error={wrong('trait')} onChange={(trait) => onChange({ ...node, trait })} />
      <Compared label={t('build.years')} ops={COMPARE_OPS} node={node} wrong={wrong} unit={t('build.years_unit')} onChange={(part) => onChange({ ...node, ...part })} />
    </Group>
  );
}

/** "Number of interests is at least 3". */
export function LengthEditor({ node, onChange }: EditorProps<'length'>) {
  const { t } = useTranslation();
  const wrong = useWrong();
  return (
    <Group gap="xs">
      <Said>{t('build.number_in')}</Said>
      <TraitPick label={t('build.list')} types={['text_list']} value={node.trait} error={wrong('trait')} onChange={(trait) => onChange({ ...node, trait })} />
      <Compared label={t('segments.number')} ops={COMPARE_OPS} node={node} wrong={wrong} onChange={(part) => onChange({ ...node, ...part })} />
    </Group>
  );
}

const WHEN = ['today', 'next', 'exactly', 'past', 'span'] as const;
type When = (typeof WHEN)[number];

function whenOf(begin: number, end: number): When {
  if (begin === 0 && end === 0) return 'today';
  if (begin === end) return 'exactly';
  if (begin === 0) return 'next';
  return end === -1 ? 'past' : 'span';
}

const FIRST: Record<When, [number, number]> = { today: [0, 0], next: [0, 7], exactly: [7, 7], past: [-7, -1], span: [-3, 3] };

/** "The anniversary of birthday is in the next 7 days". */
export function AnniversaryEditor({ node, onChange }: EditorProps<'anniversary'>) {
  const { t } = useTranslation();
  const wrong = useWrong();
  const [begin, end] = [node.begin ?? 0, node.end ?? 0];
  const [when, setWhen] = useState<When>(whenOf(begin, end));
  const read = whenOf(begin, end);
  // "From day a to day b" says everything the others say, so it stays until something else is chosen or put back.
  useEffect(() => {
    if (when !== 'span' && when !== read && !(when === 'past' && begin === -1) && !(when === 'exactly' && begin === end)) setWhen(read);
  }, [when, read, begin, end]);
  const put = (from: number, to: number) => onChange({ ...node, begin: from, end: to });
  return (
    <Group gap="xs">
      <Said>{t('build.anniversary_of')}</Said>
      <TraitPick label={t('build.date')} types={['date', 'instant']} value={node.trait} error={wrong('trait')} onChange={(trait) => onChange({ ...node, trait })} />
      <Select
        aria-label={t('build.anniversary_when')}
        w={216}
        allowDeselect={false}
        data={WHEN.map((one) => ({ value: one, label: t(`build.anniversary.${one}`) }))}
        value={when}
        onChange={(picked) => {
          if (!picked) return;
          setWhen(picked as When);
          put(...FIRST[picked as When]);
        }}
      />
      {when === 'next' && <NumberPick label={t('build.days')} min={1} max={366} value={end} error={wrong('end')} onChange={(days) => put(0, days ?? 1)} />}
      {when === 'past' && <NumberPick label={t('build.days')} min={1} max={366} value={-begin} error={wrong('begin')} onChange={(days) => put(-(days ?? 1), -1)} />}
      {when === 'exactly' && <NumberPick label={t('build.days')} min={-366} max={366} value={begin} error={wrong('begin')} onChange={(days) => put(days ?? 0, days ?? 0)} />}
      {when === 'span' && (
        <>
          <NumberPick label={t('build.day_from')} min={-366} max={366} value={begin} error={wrong('begin')} onChange={(from) => put(from ?? 0, end)} />
          <Said>{t('build.day_until')}</Said>
          <NumberPick label={t('build.day_to')} min={-366} max={366} value={end} error={wrong('end')} onChange={(to) => put(begin, to ?? 0)} />
        </>
      )}
      {when !== 'today' && <Said>{t('build.days_unit')}</Said>}
    </Group>
  );
}

const told = (place: Of<'near'>['place']) =>
  Number.isFinite(place.latitude) && Number.isFinite(place.longitude) ? `${place.latitude}, ${place.longitude}` : '';

/** A place as maps write it: "40.4168, -3.7038". */
function read(text: string): Of<'near'>['place'] {
  const found = /^\s*(-?\d+(?:\.\d+)?)\s*[,;\s]\s*(-?\d+(?:\.\d+)?)\s*$/.exec(text);
  return { latitude: found ? Number(found[1]) : Number.NaN, longitude: found ? Number(found[2]) : Number.NaN };
}

/** "Within 5 km of 40.4168, -3.7038, by latitude and longitude". */
export function NearEditor({ node, onChange }: EditorProps<'near'>) {
  const { t } = useTranslation();
  const wrong = useWrong();
  const stored = told(node.place);
  const [typed, setTyped] = useState(stored);
  useEffect(() => setTyped((now) => (told(read(now)) === stored ? now : stored)), [stored]);
  const unreadable = typed.trim() !== '' && told(read(typed)) === '';
  return (
    <Group gap="xs">
      <Select
        aria-label={t('segments.comparison')}
        w={140}
        allowDeselect={false}
        data={(['within', 'beyond'] as const).map((one) => ({ value: one, label: t(`build.near_${one}`) }))}
        value={node.op ?? 'within'}
        onChange={(op) => op && onChange({ ...node, op: op as 'within' | 'beyond' })}
      />
      <NumberPick
        label={t('build.distance')}
        w={104}
        decimals={3}
        suffix={` ${t('build.km')}`}
        error={wrong('metres')}
        value={Number.isFinite(node.metres) ? node.metres / 1000 : null}
        onChange={(km) => onChange({ ...node, metres: km === null ? Number.NaN : Math.round(km * 1000) })}
      />
      <Said>{t('build.of_place')}</Said>
      <TextInput
        aria-label={t('build.place')}
        placeholder={t('build.place_example')}
        w={190}
        error={unreadable ? t('build.place_unreadable') : wrong('place')}
        value={typed}
        onChange={(event) => {
          const text = event.currentTarget.value;
          setTyped(text);
          if (told(read(text)) !== stored) onChange({ ...node, place: read(text) });
        }}
      />
      <Group gap="xs">
        <Said>{t('build.position_by')}</Said>
        <TraitPick label={t('build.latitude')} w={130} types={['number']} value={node.latitude} error={wrong('latitude')} onChange={(latitude) => onChange({ ...node, latitude })} />
        <TraitPick label={t('build.longitude')} w={130} types={['number']} value={node.longitude} error={wrong('longitude')} onChange={(longitude) => onChange({ ...node, longitude })} />
      </Group>
    </Group>
  );
}

/** "Random share 0 % to 10 % of those drawn as spring test". */
export function ShareEditor({ node, onChange }: EditorProps<'share'>) {
  const { t } = useTranslation();
  const wrong = useWrong();
  return (
    <Group gap="xs">
      <Said>{t('build.share_from')}</Said>
      <NumberPick label={t('build.share_begin')} w={84} max={100} decimals={2} suffix=" %" error={wrong('begin')} value={node.begin ?? 0} onChange={(begin) => onChange({ ...node, begin: begin ?? 0 })} />
      <Said>{t('build.share_to')}</Said>
      <NumberPick label={t('build.share_end')} w={84} max={100} decimals={2} suffix=" %" error={wrong('end')} value={node.end ?? 100} onChange={(end) => onChange({ ...node, end: end ?? 100 })} />
      <Said>{t('build.share_of')}</Said>
      <TextInput aria-label={t('build.draw')} placeholder={t('build.draw_example')} w={170} error={wrong('salt')} value={node.salt} onChange={(event) => onChange({ ...node, salt: event.currentTarget.value })} />
    </Group>
  );
}
