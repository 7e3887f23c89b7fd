{{/* Names Services too, which know no dots and begin with a letter. */}}
{{- define "clusterlink.name" -}}
{{- $name := ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) | replace "." "-" }}
{{- if regexMatch "^[0-9]" $name }}{{ $name = printf "w-%s" $name }}{{ end }}
{{- $name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "clusterlink.selector" -}}
app.kubernetes.io/name: clusterlink
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Of pods: not the chart's version, with which alone nothing has to be restarted. */}}
{{- define "clusterlink.podLabels" -}}
{{ include "clusterlink.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | quote }}
{{- end }}

{{- define "clusterlink.labels" -}}
{{ include "clusterlink.podLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Where each secret file comes from: a Secret of the user's own, or the chart's; empty where there is none. */}}
{{- define "clusterlink.clientSecret" -}}
{{- if .Values.kafka.existingSecret }}{{ .Values.kafka.existingSecret }}{{ else if .Values.kafka.clientProperties }}{{ include "clusterlink.name" . }}{{ end }}
{{- end }}
{{- define "clusterlink.encoderSecret" -}}
{{- if .Values.secrets.existingSecret }}{{ .Values.secrets.existingSecret }}{{ else if .Values.secrets.encoderKey }}{{ include "clusterlink.name" . }}{{ end }}
{{- end }}
{{/* Numbers of a values file come as floats, which would print 134217728 as 1.34217728e+08. */}}
{{- define "clusterlink.number" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}
{{/* What is served: http, or https where there is a certificate. Also the name of the port. */}}
{{- define "clusterlink.scheme" -}}
{{- if .Values.tls.existingSecret }}https{{ else }}http{{ end }}
{{- end }}
{{- define "clusterlink.restSecret" -}}
{{- if .Values.rest.existingSecret }}{{ .Values.rest.existingSecret }}{{ else if .Values.rest.credentials }}{{ include "clusterlink.name" . }}{{ end }}
{{- end }}
