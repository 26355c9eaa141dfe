{{/*
The template of a component's pods.
(dict "root" $ "component" NAME "arguments" LIST "role" KEY-OF-THE-BROKER'S-SECRET "settings" MAP "more" MAP "resources" MAP "port" NAME-OF-THE-PORT-WITH-HEALTH "ports" MAP)
*/}}
{{- define "salvage.pod" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $health := index .ports .port -}}
metadata:
  labels:
    {{- include "salvage.labels" . | nindent 4 }}
  annotations:
    checksum/configuration: {{ printf "%s%s" $values.configuration.text (ternary (toYaml $values.cardKeys) "" (eq .role "worker")) | sha256sum }}
    {{- if $values.monitoring.annotations }}
    prometheus.io/scrape: "true"
    prometheus.io/port: {{ $health | quote }}
    prometheus.io/path: /metrics
    {{- end }}
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ add $values.shutdown.graceSeconds $values.shutdown.marginSeconds }}
  securityContext:
    {{- include "salvage.podSecurity" . | nindent 4 }}
  {{- with $values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if $values.spread.enabled }}
  topologySpreadConstraints:
    {{- range $values.spread.keys }}
    - topologyKey: {{ . }}
      maxSkew: 1
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "salvage.selector" $ | nindent 10 }}
      # Only with those of their own rollout: else new ones make room for old ones, and crowd together when these are gone.
      matchLabelKeys: [pod-template-hash]
    {{- end }}
  {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: salvage
      image: {{ include "salvage.image" $root }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: {{ toJson .arguments }}
      env:
        {{- range $name, $value := merge (dict) .more (default (dict) .settings) $values.settings (include "salvage.environment" . | fromYaml) }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
      ports:
        {{- range $name, $port := .ports }}
        - { name: {{ $name }}, containerPort: {{ $port }} }
        {{- end }}
      startupProbe:
        httpGet: { path: /livez, port: {{ .port }} }
        periodSeconds: 2
        failureThreshold: 30
      livenessProbe:
        httpGet: { path: /livez, port: {{ .port }} }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        httpGet: { path: /readyz, port: {{ .port }} }
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 2
      securityContext:
        {{- include "salvage.containerSecurity" . | nindent 8 }}
      resources:
        {{- toYaml (default dict .resources) | nindent 8 }}
      volumeMounts:
        {{- include "salvage.mounts" . | nindent 8 }}
  volumes:
    {{- include "salvage.volumes" . | nindent 4 }}
{{- end -}}

{{/* What every process is told, beside the settings. */}}
{{- define "salvage.environment" -}}
{{- $values := .root.Values -}}
SALVAGE_BROKER_URL_FILE: /run/secrets/broker/url
SALVAGE_CONFIG: /etc/salvage/salvage.yaml
SALVAGE_SHUTDOWN_GRACE_SECONDS: {{ $values.shutdown.graceSeconds | quote }}
SALVAGE_SHUTDOWN_LAME_DUCK_SECONDS: {{ $values.shutdown.lameDuckSeconds | quote }}
{{- if $values.broker.authority.existingSecret }}
SALVAGE_BROKER_AUTHORITY_FILE: /run/secrets/authority/{{ $values.broker.authority.key }}
{{- end }}
{{- with $values.broker.serverName }}
SALVAGE_BROKER_SERVER_NAME: {{ . | quote }}
{{- end }}
{{- with $values.traces.url }}
SALVAGE_TRACES_URL: {{ . | quote }}
SALVAGE_TRACES_SHARE: {{ $values.traces.share | quote }}
{{- end }}
{{- if and (eq .component "console") $values.notices.existingSecret }}
SALVAGE_NOTICE_URL_FILE: /run/secrets/notices/url
SALVAGE_NOTICE_SECRET_FILE: /run/secrets/notices/secret
SALVAGE_NOTICE_AFTER_SECONDS: {{ $values.notices.afterSeconds | quote }}
{{- with $values.notices.consoleUrl }}
SALVAGE_CONSOLE_URL: {{ . | quote }}
{{- end }}
{{- end }}
{{- if and (eq .role "worker") $values.cardKeys.existingSecret }}
{{- $keys := list -}}
{{- range $values.cardKeys.keys }}{{- $keys = append $keys (printf "%s=/run/secrets/cards/%s" .kid .key) -}}{{- end }}
SALVAGE_CARD_KEYS: {{ join "," $keys | default "/run/secrets/cards" | quote }}
{{- end }}
{{- end -}}

{{/* The Secrets under /run/secrets/salvage: whoever takes webhooks alone needs what verifies them, and no key that takes money. */}}
{{- define "salvage.secrets" -}}
{{- $values := .root.Values -}}
{{- if eq .role "webhooks" }}{{ toYaml (default $values.configuration.secrets $values.edge.secrets) }}
{{- else }}{{ toYaml $values.configuration.secrets }}{{- end }}
{{- end -}}

{{- define "salvage.mounts" -}}
{{- $values := .root.Values -}}
- { name: broker, mountPath: /run/secrets/broker, readOnly: true }
- { name: configuration, mountPath: /etc/salvage, readOnly: true }
{{- if $values.broker.authority.existingSecret }}
- { name: authority, mountPath: /run/secrets/authority, readOnly: true }
{{- end }}
{{- if include "salvage.secrets" . | fromYamlArray }}
- { name: secrets, mountPath: /run/secrets/salvage, readOnly: true }
{{- end }}
{{- if and (eq .component "console") $values.notices.existingSecret }}
- { name: notices, mountPath: /run/secrets/notices, readOnly: true }
{{- end }}
{{- if and (eq .role "worker") $values.cardKeys.existingSecret }}
- { name: cards, mountPath: /run/secrets/cards, readOnly: true }
{{- end }}
{{- end -}}

{{- define "salvage.volumes" -}}
{{- $values := .root.Values -}}
- name: broker
  secret:
    secretName: {{ $values.broker.existingSecret }}
    defaultMode: 0440
    items: [{ key: {{ .role }}, path: url }]
- name: configuration
  {{- if $values.configuration.existingSecret }}
  secret: { secretName: {{ $values.configuration.existingSecret }}, defaultMode: 0440 }
  {{- else }}
  configMap: { name: {{ default (printf "%s-configuration" (include "salvage.fullname" .root)) $values.configuration.existingConfigMap }} }
  {{- end }}
{{- if $values.broker.authority.existingSecret }}
- name: authority
  secret: { secretName: {{ $values.broker.authority.existingSecret }} }
{{- end }}
{{- with include "salvage.secrets" . | fromYamlArray }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range . }}
      - secret: { name: {{ . }} }
      {{- end }}
{{- end }}
{{- if and (eq .component "console") $values.notices.existingSecret }}
- name: notices
  secret: { secretName: {{ $values.notices.existingSecret }}, defaultMode: 0440 }
{{- end }}
{{- if and (eq .role "worker") $values.cardKeys.existingSecret }}
- name: cards
  secret: { secretName: {{ $values.cardKeys.existingSecret }}, defaultMode: 0440 }
{{- end }}
{{- end -}}
