import { Center } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import styles from './content.module.css';

/** Mails are written for about 640 pixels; a narrower place shows them smaller, as a mailbox would. */
const WIDE = 660;
const PHONE = 375;

interface MailFrameProps {
  html: string;
  phone?: boolean;
  height?: number;
}

/** A mail in a frame that runs no scripts; the server has cleaned its HTML. */
export function MailFrame({ html, phone, height = 560 }: MailFrameProps) {
  const { t } = useTranslation();
  const { ref, width } = useElementSize();
  const wanted = phone ? PHONE : Math.max(WIDE, width);
  const scale = width > 0 ? Math.min(1, width / wanted) : 1;
  return (
    <Center ref={ref} className={styles.stage} data-phone={phone || undefined} h={height}>
      <iframe
        title={t('content.preview')}
        sandbox=""
        srcDoc={html}
        className={styles.frame}
        style={{ width: wanted, height: height / scale, transform: `scale(${scale})` }}
      />
    </Center>
  );
}
