import { currentLanguage } from '@/words';
import { heldCsrf, type Schema } from './client';
import { problemFrom } from './problem';

/** Brings a file as the body itself, telling how much has gone; `fetch` cannot tell, so this is an XMLHttpRequest. */
export function uploadFile(file: File, onProgress: (share: number) => void, signal?: AbortSignal): Promise<Schema<'UploadedFile'>> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', `/v1/imports/files?name=${encodeURIComponent(file.name)}`);
    const csrf = heldCsrf();
    if (csrf) request.setRequestHeader('x-csrf-token', csrf);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.setRequestHeader('accept-language', currentLanguage());
    request.responseType = 'json';
    request.upload.onprogress = (event) => onProgress(event.lengthComputable ? event.loaded / event.total : 0);
    request.onload = () => {
      if (request.status < 300) resolve(request.response as Schema<'UploadedFile'>);
      else reject(problemFrom(request.status, request.response));
    };
    request.onerror = () => reject(new TypeError('network'));
    request.onabort = () => reject(new DOMException('aborted', 'AbortError'));
    signal?.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}

/** Brings a list of addresses as the body itself. */
export async function bringList(file: File, channel: string): Promise<Schema<'Listed'>> {
  const response = await fetch(`/v1/suppressions/file?channel=${encodeURIComponent(channel)}`, {
    method: 'POST',
    body: file,
    credentials: 'same-origin',
    headers: { 'content-type': 'text/csv', 'accept-language': currentLanguage(), 'x-csrf-token': heldCsrf() ?? '' },
  });
  const body: unknown = await response.json();
  if (!response.ok) throw problemFrom(response.status, body);
  return body as Schema<'Listed'>;
}
