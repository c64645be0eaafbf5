import { Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useSession } from '@/api/session';
import { FormDialog } from '@/design/SaveForm';
import { done } from '@/design/toast';
import { CustomerPicker } from '../profiles/CustomerPicker';

interface TestFormProps {
  /** By e-mail: to one's own address unless told. */
  email: boolean;
  send: (address: string, profile: number | null) => Promise<unknown>;
  onClose: () => void;
  /** What else is asked, above. */
  before?: ReactNode;
}

/** Asks to which address of staff a message goes before anybody else gets it, and as to which customer it is written. */
export function TestForm({ email, send, onClose, before }: TestFormProps) {
  const { t } = useTranslation();
  const me = useSession().data;
  const [address, setAddress] = useState(email ? (me?.email ?? '') : '');
  const [profile, setProfile] = useState<number | null>(null);
  const sending = useMutation({
    mutationFn: () => send(address, profile),
    onSuccess: () => {
      done(t('content.test_sent', { address }));
      onClose();
    },
  });
  return (
    <FormDialog title={t('content.test')} saving={sending} action={t('content.send_test')} onSubmit={() => sending.mutate()} onClose={onClose}>
      <Text size="sm" c="dimmed">{t('content.test_hint')}</Text>
      {before}
      <TextInput
        label={t(email ? 'access.email' : 'content.test_address')}
        type={email ? 'email' : 'text'}
        required
        data-autofocus
        value={address}
        onChange={(event) => setAddress(event.currentTarget.value)}
      />
      <CustomerPicker label={t('content.as_customer')} value={profile} onChange={setProfile} />
    </FormDialog>
  );
}
