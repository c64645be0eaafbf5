import { SimpleGrid, Text, UnstyledButton } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Node } from '../types';
import { useCatalogue } from '../vocabulary';
import { EXAMPLES } from './examples';
import styles from './builder.module.css';

/** Segments to start from, filled in with what is known here. */
export function Examples({ onPick }: { onPick: (of: Node[], name: string) => void }) {
  const { t } = useTranslation();
  const catalogue = useCatalogue();
  return (
    <section aria-label={t('build.examples')}>
      <Text size="sm" fw={600} mt="md" mb="xs">{t('build.examples')}</Text>
      <SimpleGrid cols={{ base: 1, xs: 2, md: 3, xl: 4 }} spacing="xs">
        {EXAMPLES.map(({ key, icon: Icon, of }) => (
          <UnstyledButton key={key} className={styles.example} onClick={() => onPick(of(catalogue), t(`build.example.${key}`))}>
            <span className={styles.glyph} aria-hidden><Icon size={16} stroke={1.7} /></span>
            <span>
              <Text size="sm" fw={550} component="span" display="block">{t(`build.example.${key}`)}</Text>
              <Text size="xs" c="dimmed" component="span" display="block">{t(`build.example_hint.${key}`)}</Text>
            </span>
          </UnstyledButton>
        ))}
      </SimpleGrid>
    </section>
  );
}
