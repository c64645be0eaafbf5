import { Accordion, Drawer, Fieldset } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Edit } from './edit';
import { EntriesForm } from './forms/EntryForm';
import { AgainForm, BesidesForm, ExitsForm, GoalForm } from './forms/RuleForms';
import { Onward } from './canvas/Pickers';
import type { Kind } from './exits';
import { START, type Definition } from './model';

interface RulesDrawerProps {
  definition: Definition;
  kinds: ReadonlyMap<string, Kind>;
  readOnly: boolean;
  onEdit: (edit: Edit) => void;
  onClose: () => void;
}

/** What holds for the whole journey: who comes in, how often, who leaves, what it is for. */
export function RulesDrawer({ definition, kinds, readOnly, onEdit, onClose }: RulesDrawerProps) {
  const { t } = useTranslation();
  const put = (part: Partial<Omit<Definition, 'steps' | 'canvas'>>) => onEdit({ do: 'journey', part });
  const section = (name: string, form: React.ReactNode) => (
    <Accordion.Item key={name} value={name}>
      <Accordion.Control>{t(`journeys.rules.${name}`)}</Accordion.Control>
      <Accordion.Panel><Fieldset variant="unstyled" mx={0} disabled={readOnly}>{form}</Fieldset></Accordion.Panel>
    </Accordion.Item>
  );
  return (
    <Drawer opened onClose={onClose} size="lg" title={t('journeys.rules_title')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <div data-builder>
        <Accordion multiple defaultValue={['entries', 'again', 'goal']} variant="separated">
          {section('entries', <EntriesForm entries={definition.entries} onChange={(entries) => put({ entries })} />)}
          {section('again', <AgainForm definition={definition} onChange={(again) => put({ again })} />)}
          {section('goal', <GoalForm goal={definition.goal} onChange={(goal) => put({ goal })} />)}
          {section('exits', <ExitsForm exits={definition.exits} onChange={(exits) => put({ exits })} />)}
          {section('besides', <BesidesForm definition={definition} onChange={put} />)}
          {definition.steps.length > 0 && section('start', <Onward definition={definition} kinds={kinds} from={START} onEdit={onEdit} />)}
        </Accordion>
      </div>
    </Drawer>
  );
}
