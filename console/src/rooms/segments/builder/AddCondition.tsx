import { Button, Combobox, Group, Text, useCombobox } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconPlus } from '@/design/icons';
import type { GroupNode, Node } from '../types';
import { useCatalogue } from '../vocabulary';
import { CHOICES, type Choice } from './kinds';
import styles from './builder.module.css';

interface AddConditionProps {
  /** How the group joins its conditions: a group inside joins them the other way. */
  joined: GroupNode['kind'];
  /** Whether groups may still be nested here. */
  nests: boolean;
  onAdd: (node: Node) => void;
  prominent?: boolean;
}

/** Every kind of condition in plain words, grouped; typing finds one by what it is called or what it is for. */
export function AddCondition({ joined, nests, onAdd, prominent }: AddConditionProps) {
  const { t } = useTranslation();
  const catalogue = useCatalogue();
  const [typed, setTyped] = useState('');
  const combobox = useCombobox({
    onDropdownClose: () => {
      combobox.resetSelectedOption();
      setTyped('');
    },
  });
  const offered = useMemo(
    () =>
      CHOICES.map(({ group, choices }) => ({
        group,
        choices: choices.filter((one) => (one.offered?.(catalogue) ?? true) && (nests || one.key !== 'group')),
      })),
    [catalogue, nests],
  );
  const looked = typed.trim().toLowerCase();
  const matches = ({ key }: Choice) =>
    looked.split(/\s+/).every((word) => `${t(`build.kind.${key}`)} ${t(`build.hint.${key}`)} ${t(`build.also.${key}`)}`.toLowerCase().includes(word));
  const shown = offered.map((one) => ({ ...one, choices: one.choices.filter(matches) })).filter((one) => one.choices.length > 0);
  const pick = (key: string) => {
    const choice = offered.flatMap((one) => one.choices).find((one) => one.key === key);
    combobox.closeDropdown();
    if (!choice) return;
    const made = choice.make(catalogue);
    onAdd(key === 'group' ? { kind: joined === 'and' ? 'or' : 'and', of: [] } : made);
  };
  return (
    <Combobox store={combobox} width={400} position="bottom-start" shadow="md" onOptionSubmit={pick} keepMounted={false} styles={{ dropdown: { maxWidth: 'calc(100vw - 32px)' } }}>
      <Combobox.Target targetType="button" withAriaAttributes={false}>
        <Button
          variant={prominent ? 'filled' : 'subtle'}
          size={prominent ? 'sm' : 'xs'}
          leftSection={<IconPlus size={prominent ? 16 : 14} />}
          aria-haspopup="listbox"
          aria-expanded={combobox.dropdownOpened}
          onClick={() => combobox.toggleDropdown()}
          data-add
        >
          {t('segments.add')}
        </Button>
      </Combobox.Target>
      <Combobox.Dropdown data-menu>
        <Combobox.Search
          autoFocus
          aria-label={t('build.find')}
          placeholder={t('build.find')}
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            combobox.selectFirstOption();
          }}
        />
        <Combobox.Options tabIndex={0} mah={380} style={{ overflowY: 'auto' }} aria-label={t('segments.add')}>
          {shown.length === 0 && <Combobox.Empty>{t('build.nothing_found')}</Combobox.Empty>}
          {shown.map(({ group, choices }) => (
            <Combobox.Group key={group} label={t(`build.group.${group}`)}>
              {choices.map(({ key, icon: Icon }) => (
                <Combobox.Option key={key} value={key} className={styles.choice}>
                  <Group gap="sm" wrap="nowrap" align="flex-start">
                    <span className={styles.glyph} aria-hidden><Icon size={16} stroke={1.7} /></span>
                    <div>
                      <Text size="sm" fw={550}>{t(`build.kind.${key}`)}</Text>
                      <Text size="xs" className={styles.hint} aria-hidden>{t(`build.hint.${key}`)}</Text>
                    </div>
                  </Group>
                </Combobox.Option>
              ))}
            </Combobox.Group>
          ))}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
