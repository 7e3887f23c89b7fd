{{- define "clusterlink.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "clusterlink.selector" -}}
app.kubernetes.io/name: clusterlink
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "clusterlink.labels" -}}
{{ include "clusterlink.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* Where each secret file comes from: a Secret of the user's own, or the chart's; empty where there is none. */}}
{{- define "clusterlink.clientSecret" -}}
{{- if .Values.kafka.existingSecret }}{{ .Values.kafka.existingSecret }}{{ else if .Values.kafka.clientProperties }}{{ include "clusterlink.name" . }}{{ end }}
{{- end }}
{{- define "clusterlink.encoderSecret" -}}
{{- if .Values.secrets.existingSecret }}{{ .Values.secrets.existingSecret }}{{ else if .Values.secrets.encoderKey }}{{ include "clusterlink.name" . }}{{ end }}
{{- end }}
{{/* What is served: http, or https where there is a certificate. Also the name of the port. */}}
{{- define "clusterlink.scheme" -}}
{{- if .Values.tls.existingSecret }}https{{ else }}http{{ end }}
{{- end }}
{{- define "clusterlink.restSecret" -}}
{{- if .Values.rest.existingSecret }}{{ .Values.rest.existingSecret }}{{ else if .Values.rest.credentials }}{{ include "clusterlink.name" . }}{{ end }}
{{- end }}
