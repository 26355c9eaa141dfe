{{/* (dict "root" $ "component" NAME "replicas" COUNT): of one pod nothing is promised, or no node could ever be drained. */}}
{{- define "salvage.budget" -}}
{{- if and .root.Values.podDisruptionBudget.enabled (gt (int .replicas) 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "salvage.fullname" .root }}-{{ .component }}
  labels:
    {{- include "salvage.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ .root.Values.podDisruptionBudget.maxUnavailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "salvage.selector" . | nindent 6 }}
{{- end }}
{{- end -}}

{{/* A Service and an Ingress: (dict "root" $ "component" NAME "values" THE-COMPONENT'S "port" NAME "paths" LIST) */}}
{{- define "salvage.front" -}}
{{- $name := printf "%s-%s" (include "salvage.fullname" .root) .component }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  labels:
    {{- include "salvage.labels" . | nindent 4 }}
  {{- with .values.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ default "ClusterIP" .values.service.type }}
  selector:
    {{- include "salvage.selector" . | nindent 4 }}
  ports:
    - { name: http, port: {{ .values.service.port }}, targetPort: {{ .port }} }
{{- if .values.ingress.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ $name }}
  labels:
    {{- include "salvage.labels" . | nindent 4 }}
  {{- with .values.ingress.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .values.ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- with .values.ingress.tlsSecret }}
  tls:
    - hosts: [{{ $.values.ingress.host | quote }}]
      secretName: {{ . }}
  {{- end }}
  rules:
    - host: {{ .values.ingress.host | quote }}
      http:
        paths:
          {{- range .paths }}
          - path: {{ . }}
            pathType: Prefix
            backend: { service: { name: {{ $name }}, port: { name: http } } }
          {{- end }}
{{- end }}
{{- end -}}
