import { api, take } from '@/api/client';
import { TestForm } from './TestForm';

interface TestSendProps {
  channel: string;
  versionId: number;
  accountId?: number | null;
  onClose: () => void;
}

/** Sends a version to an address of staff, written as to a chosen customer. */
export function TestSend({ channel, versionId, accountId, onClose }: TestSendProps) {
  const send = (address: string, profile: number | null) =>
    take(
      api.POST('/v1/test-sends', {
        body: { address, channel, template_version_id: versionId, account_id: accountId ?? null, as_profile: profile, subject: '', text: '' },
      }),
    );
  return <TestForm email={channel === 'email'} send={send} onClose={onClose} />;
}
