import { Group, Kbd, Modal, Stack, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { openFloors, type Standing } from './rooms';

const SHOW = 'antiphon:shortcuts';

export function showShortcuts(): void {
  window.dispatchEvent(new Event(SHOW));
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input,textarea,select,[contenteditable],[role="textbox"]') !== null;
}

/** "g" then a letter goes to a room; "?" shows them all. */
export function Shortcuts({ standing }: { standing: Standing }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [opened, setOpened] = useState(false);
  const doors = openFloors(standing).flatMap((floor) => floor.doors);

  useEffect(() => {
    let going = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === '?') setOpened(true);
      else if (event.key === 'g') going = event.timeStamp;
      else if (event.timeStamp - going < 1200) {
        const door = doors.find((one) => one.shortcut === event.key);
        going = 0;
        if (door) {
          event.preventDefault();
          void navigate({ to: door.to });
        }
      }
    };
    const onShow = () => setOpened(true);
    window.addEventListener('keydown', onKey);
    window.addEventListener(SHOW, onShow);
    return () => {
      window.removeEventListener('keydown', onKey);
      window.removeEventListener(SHOW, onShow);
    };
  }, [doors, navigate]);

  const lines: [string[], string][] = [
    [['Ctrl', 'K'], t('shell.find')],
    [['?'], t('shell.shortcuts')],
    ...doors.map((door): [string[], string] => [['g', door.shortcut], t(`nav.${door.key}`)]),
  ];
  return (
    <Modal
      opened={opened}
      onClose={() => setOpened(false)}
      title={t('shell.shortcuts')}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Stack gap="xs">
        {lines.map(([keys, name]) => (
          <Group key={name} justify="space-between">
            <Text size="sm">{name}</Text>
            <Group gap={4}>{keys.map((key) => <Kbd key={key}>{key}</Kbd>)}</Group>
          </Group>
        ))}
      </Stack>
    </Modal>
  );
}
