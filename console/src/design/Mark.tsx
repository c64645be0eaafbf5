import { Badge, type BadgeProps } from '@mantine/core';
import type { ReactNode } from 'react';
import styles from './Mark.module.css';

export type MarkColour = 'gray' | 'iris' | 'blue' | 'teal' | 'green' | 'lime' | 'yellow' | 'orange' | 'red' | 'grape';

interface MarkProps extends Pick<BadgeProps, 'size' | 'rightSection'> {
  colour: MarkColour;
  children: ReactNode;
}

/** A small coloured word. Its text keeps AA contrast on its own tint in both schemes. */
export function Mark({ colour, children, ...rest }: MarkProps) {
  return (
    <Badge {...rest} className={styles.mark} vars={() => ({ root: { '--mark': `var(--mantine-color-${colour}-6)` } as Record<string, string> })}>
      {children}
    </Badge>
  );
}
