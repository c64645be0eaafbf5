import type { ComponentType } from 'react';
import type { Kind } from '../exits';
import { RaiseEventForm, SetTraitForm, SubscribeForm, TagForm, WebhookForm } from './ActionForms';
import { ChannelForm, ConditionForm, DialogueForm, EngagementForm, FirstMatchForm, HoldoutForm, InSegmentForm, SplitForm } from './BranchForms';
import { EndForm, ExperimentForm, GateForm, LoopForm, OtherJourneyForm } from './FlowForms';
import type { FormProps } from './form';
import { MessageForm } from './MessageForm';
import { OtherForm } from './OtherForm';
import { WaitAnswerForm, WaitEventForm, WaitForm, WaitTimeForm, WaitUntilForm } from './WaitForms';

const FORMS: Record<string, ComponentType<FormProps>> = {
  wait: WaitForm, wait_until: WaitUntilForm, wait_time: WaitTimeForm, wait_event: WaitEventForm, wait_answer: WaitAnswerForm,
  condition: ConditionForm, first_match: FirstMatchForm, in_segment: InSegmentForm, engagement: EngagementForm, channel: ChannelForm, split: SplitForm, experiment: ExperimentForm,
  holdout: HoldoutForm, dialogue: DialogueForm,
  message: MessageForm, set_trait: SetTraitForm, tag: TagForm, subscribe: SubscribeForm, webhook: WebhookForm, raise_event: RaiseEventForm,
  jump: OtherJourneyForm, start_journey: OtherJourneyForm, stop_journey: OtherJourneyForm, loop: LoopForm, gate: GateForm, end: EndForm,
};

/** The form of a kind: one made for it, or one made from its schema. */
export function SettingsForm({ kind, ...props }: FormProps & { kind: Kind | undefined }) {
  const Form = FORMS[props.step.kind];
  return Form ? <Form {...props} /> : <OtherForm {...props} kind={kind} />;
}
