import { ActionIcon, Menu, Tooltip, useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { IconCheck, IconDevice, IconMoon, IconSun } from '@/design/icons';

const CHOICES: [MantineColorScheme, typeof IconSun][] = [
  ['light', IconSun],
  ['dark', IconMoon],
  ['auto', IconDevice],
];

/** Light, dark, or as the device says. */
export function SchemeToggle() {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Shown = CHOICES.find(([choice]) => choice === colorScheme)?.[1] ?? IconSun;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Tooltip label={t('shell.scheme')}>
          <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t('shell.scheme')}>
            <Shown size={19} stroke={1.6} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        {CHOICES.map(([choice, Icon]) => (
          <Menu.Item
            key={choice}
            leftSection={<Icon size={15} />}
            rightSection={choice === colorScheme ? <IconCheck size={14} /> : null}
            onClick={() => setColorScheme(choice)}
          >
            {t(`shell.scheme_${choice}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
