import { useTranslation } from 'react-i18next';
import { CopyLine } from '@/design/CopyLine';
import { Panel } from '@/design/Panel';
import { useQuery } from '@tanstack/react-query';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import type { Account } from './vocabulary';

/** Where the provider reports what became of messages, to be pasted into its own settings. */
export function Callbacks({ account }: { account: Account }) {
  const { t } = useTranslation();
  const may = useMay('settings:read');
  const settings = useQuery({ queryKey: ['settings'], queryFn: () => take(api.GET('/v1/settings')), enabled: may, staleTime: 60_000 });
  const base = (settings.data?.base_url || window.location.origin).replace(/\/$/, '');
  return (
    <Panel title={t('channels.callbacks')} hint={t('channels.callbacks_hint')}>
      <CopyLine label={t('channels.callback_address')} value={`${base}/callbacks/${account.id}`} />
    </Panel>
  );
}
