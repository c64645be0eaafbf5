import { Box, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { MailFrame } from '../content/MailFrame';
import styles from './campaigns.module.css';

/** A small picture of a template, as a customer without traits would get it. */
export function Picture({ templateId }: { templateId: number }) {
  const enabled = useMay('content:read');
  const preview = useQuery({
    queryKey: ['template-picture', templateId],
    queryFn: async () => {
      const item = await take(api.GET('/v1/templates/{template_id}', { params: { path: { template_id: templateId } } }));
      const { format, subject, preheader, body, text } = item.version;
      return take(api.POST('/v1/templates/preview', { body: { channel: item.template.channel, format, subject, preheader, body, text } }));
    },
    retry: false,
    enabled,
  });
  if (preview.isLoading) return <Skeleton height={320} />;
  if (!preview.data) return null;
  return (
    <Box className={styles.picture}>
      {preview.data.subject && <Text size="sm" fw={600} p="sm" className={styles.subject}>{preview.data.subject}</Text>}
      {preview.data.html === null ? (
        <Text component="pre" size="xs" p="sm" style={{ whiteSpace: 'pre-wrap' }}>{preview.data.text}</Text>
      ) : (
        <MailFrame html={preview.data.html} height={360} />
      )}
    </Box>
  );
}
