import { Box } from '@mantine/core';
import type { ErrorComponentProps } from '@tanstack/react-router';
import { ProblemAlert } from '@/design/ProblemAlert';

/** A page that could not be drawn; the rest of the console stays usable. */
export function Broken({ error, reset }: ErrorComponentProps) {
  return (
    <Box maw={640} mx="auto" mt="xl">
      <ProblemAlert error={error} onRetry={reset} />
    </Box>
  );
}
