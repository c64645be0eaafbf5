import { Button, Drawer } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { AccountForm } from './AccountForm';
import { ProviderGallery } from './ProviderGallery';
import { useChannelTitle, type Kind } from './vocabulary';

/** A new account: first the provider, then its form; saved, its own page opens, where it is tested. */
export function NewAccount({ kinds, onClose }: { kinds: Kind[]; onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const title = useChannelTitle();
  const [kind, setKind] = useState<Kind | null>(null);
  return (
    <Drawer
      opened
      onClose={onClose}
      size="xl"
      title={kind ? t('channels.new_of', { channel: title(kind.channel), provider: t(`channels.provider_${kind.name}`, { defaultValue: kind.title }) }) : t('channels.new')}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {kind ? (
        <AccountForm
          kind={kind}
          account={null}
          onSaved={(saved) => void navigate({ to: `/channels/${saved.id}` })}
          beside={<Button variant="default" onClick={() => setKind(null)}>{t('common.back')}</Button>}
        />
      ) : (
        <ProviderGallery kinds={kinds} onPick={setKind} />
      )}
    </Drawer>
  );
}
