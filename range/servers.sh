#!/bin/bash
# Start the range's servers: servers.sh DIR TRIES. Runs in the servers' network namespace and in a mount
# namespace of its own (net.sh sees to both), so that the users it makes exist nowhere else. Makes
# DIR/ready when all of them listen, then waits for them. sshd grants TRIES passwords a connection.
set -eu

dir=$1
tries=$2
read -ra odd <"$dir/ports" # the web, TLS, SSH and a weak service, where they are not looked for

# ---- users: copies of the system's files with ours added, bound over them in this namespace ----

make_users() {
	local name password id=6000
	mkdir -p "$dir/etc" "$dir/home"
	cp /etc/passwd /etc/shadow /etc/group "$dir/etc"
	chmod 600 "$dir/etc/shadow"
	while read -r name password; do
		id=$((id + 1))
		echo "$name:x:$id:$id::/home/$name:/bin/bash" >>"$dir/etc/passwd"
		echo "$name:$(openssl passwd -6 "$password"):19000:0:99999:7:::" >>"$dir/etc/shadow"
		echo "$name:x:$id:" >>"$dir/etc/group"
		mkdir -p "$dir/home/$name/.ssh"
		cp "$dir/key.pub" "$dir/home/$name/.ssh/authorized_keys"
		for n in 1 2 3 4; do
			cp "$dir/www/data/$n.bin" "$dir/home/$name/report$n.dat"
		done
		chown -R "$id:$id" "$dir/home/$name"
		chmod 700 "$dir/home/$name/.ssh"
	done <"$dir/users"
	for file in passwd shadow group; do
		mount --bind "$dir/etc/$file" "/etc/$file"
	done
	mount --bind "$dir/home" /home
	mount -t tmpfs tmpfs /run
	mount -t tmpfs tmpfs /var/log
	mkdir -p /run/sshd
}

# ---- content: a site with pages, parts of pages and large files ----

make_site() {
	local n
	mkdir -p "$dir/www/part" "$dir/www/data" "$dir/www/docs"
	for n in $(seq 30); do
		head -c $((RANDOM * RANDOM % 60000 + 300)) /dev/urandom >"$dir/www/part/$n.bin"
	done
	for n in 1 2 3 4 5 6; do
		head -c $((n * n * 200000 + RANDOM)) /dev/urandom >"$dir/www/data/$n.bin"
	done
	for n in $(seq 12); do
		{
			echo "<html><head><title>Page $n</title></head><body>"
			for _ in $(seq $((n % 5 + 2))); do
				echo "<a href=\"/docs/$((RANDOM % 12 + 1)).html\">next</a>"
				echo "<img src=\"/part/$((RANDOM % 30 + 1)).bin\">"
				head -c $((RANDOM % 6000)) /dev/urandom | base64
			done
			echo "</body></html>"
		} >"$dir/www/docs/$n.html"
	done
	cp "$dir/www/docs/1.html" "$dir/www/index.html"
	cat >"$dir/www/form.html" <<-END
		<html><body><form action="/signin" method="post"><input name="user" type="text">
		<input name="pass" type="password"><input name="note" type="text"></form></body></html>
	END
}

start_nginx() {
	mkdir -p "$dir/nginx"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
		-subj /CN=www.example -keyout "$dir/nginx/key" -out "$dir/nginx/cert" 2>/dev/null
	echo "admin:$(openssl passwd -apr1 "$(awk 'NR == 1 { print $2 }' "$dir/users")")" \
		>"$dir/nginx/htpasswd"
	cat >"$dir/nginx/conf" <<-END
		user root;
		worker_processes 1;
		daemon off;
		pid $dir/nginx/pid;
		error_log $dir/nginx/error.log;
		events { worker_connections 2048; }
		http {
			access_log off;
			types { text/html html; application/octet-stream bin; }
			client_body_temp_path $dir/nginx/body;
			proxy_temp_path $dir/nginx/proxy;
			fastcgi_temp_path $dir/nginx/fastcgi;
			uwsgi_temp_path $dir/nginx/uwsgi;
			scgi_temp_path $dir/nginx/scgi;
			server {
				listen 80; listen [::]:80; listen 8080; listen [::]:8080;
				listen ${odd[0]}; listen [::]:${odd[0]};
				listen 443 ssl; listen [::]:443 ssl;
				listen ${odd[1]} ssl; listen [::]:${odd[1]} ssl;
				ssl_certificate $dir/nginx/cert;
				ssl_certificate_key $dir/nginx/key;
				client_max_body_size 16m;
				root $dir/www;
				location /app/ {
					default_type application/json;
					return 200 '{"id": "\$request_id", "query": "\$args", "status": "ok"}';
				}
				location /signin {
					default_type text/html;
					return 200 '<html>Sorry, wrong name or password.</html>';
				}
				location /shop {
					default_type text/html;
					if (\$args ~ "%27|'|%22") { return 500; }
					return 200 '<html>Article \$arg_id, \$arg_sort: \$request_id</html>';
				}
				location /login { return 302 /docs/2.html; }
				location /private/ {
					auth_basic "members";
					auth_basic_user_file $dir/nginx/htpasswd;
				}
				location /slow/ { alias $dir/www/data/; limit_rate 40k; }
			}
		}
	END
	nginx -p "$dir/nginx" -c "$dir/nginx/conf" &
}

start_sshd() {
	ssh-keygen -q -t ed25519 -N '' -f "$dir/host_key"
	"$(command -v sshd)" -D -e -f /dev/null -h "$dir/host_key" -o UsePAM=no \
		-o PermitRootLogin=no -o PasswordAuthentication=yes -o PidFile=none \
		-o MaxAuthTries="$tries" -o Port=22 -o Port="${odd[2]}" \
		-o Subsystem="sftp internal-sftp" 2>"$dir/sshd.log" &
}

start_vsftpd() {
	mkdir -p "$dir/empty"
	cat >"$dir/vsftpd.conf" <<-END
		listen=NO
		listen_ipv6=YES
		anonymous_enable=NO
		local_enable=YES
		write_enable=YES
		seccomp_sandbox=NO
		isolate=NO
		isolate_network=NO
		xferlog_enable=NO
		connect_from_port_20=YES
		secure_chroot_dir=$dir/empty
		pam_service_name=vsftpd
	END
	vsftpd "$dir/vsftpd.conf" &
}

# wire NAME: as it is in a packet, in hexadecimal digits.
wire() {
	local part
	for part in ${1//./ }; do
		printf '%02x%s' "${#part}" "$(printf %s "$part" | od -An -tx1 | tr -d ' \n')"
	done
	printf 00
}

# start_dnsmasq: answers for host1.example .. with an address each way; the rest of .example and
# every other name is unknown. NS and SOA of .example name its server, ns.example.
start_dnsmasq() {
	local n records=()
	mapfile -t records <"$dir/resolvers"
	for n in $(seq 60); do
		records+=("--host-record=host$n.example,192.0.2.$n,2001:db8::$n")
	done
	dnsmasq --keep-in-foreground --no-resolv --no-hosts --no-daemon --conf-file=/dev/null \
		--user=root --pid-file= --bind-interfaces --local=/example/ --local=// --local-ttl=60 "${records[@]}" \
		--host-record="ns.example,$(sed -n '1s/.*=\(.*\),.*/\1/p' "$dir/resolvers")" \
		--dns-rr="example,2,$(wire ns.example)" \
		--dns-rr="example,6,$(wire ns.example)$(wire root.example)$(printf '%08x' 1 3600 600 86400 60)" \
		--mx-host=example,host1.example,10 --txt-record=example,"v=spf1 mx -all" \
		--txt-record=big.example,"$(printf 'part of a long record %s ' {1..9})" \
		--txt-record=big.example,"$(printf 'and another part %s ' {1..11})" \
		--edns-packet-max=4096 \
		2>"$dir/dns.log" &
}

# start_dovecot: IMAP with our users and their passwords.
start_dovecot() {
	sed 's/ \(.*\)/:{PLAIN}\1/' "$dir/users" >"$dir/mail-users"
	cat >"$dir/dovecot.conf" <<-END
		base_dir = /run/dovecot
		log_path = $dir/dovecot.log
		protocols = imap
		listen = *, ::
		ssl_cert = <$dir/nginx/cert
		ssl_key = <$dir/nginx/key
		ssl = yes
		disable_plaintext_auth = no
		auth_failure_delay = 1 secs
		mail_location = maildir:$dir/mail/%u
		mail_uid = 6001
		mail_gid = 6001
		first_valid_uid = 500
		service imap-login {
			chroot =
			inet_listener imaps {
				port = 993
				ssl = yes
			}
		}
		passdb {
			driver = passwd-file
			args = $dir/mail-users
		}
		userdb {
			driver = static
			args = uid=6001 gid=6001 home=$dir/mail/%u
		}
	END
	mkdir -p "$dir/mail"
	chmod 777 "$dir/mail"
	dovecot -F -c "$dir/dovecot.conf" &
}

start_redis() {
	redis-server --port 6379 --bind '*' '::*' --protected-mode no --save '' --daemonize no \
		--requirepass "$(awk 'NR == 2 { print $2 }' "$dir/users")" --dir "$dir" >/dev/null &
}

start_tinyproxy() {
	cat >"$dir/tinyproxy.conf" <<-END
		Port 3128
		Timeout 30
		MaxClients 200
		LogLevel Critical
		DisableViaHeader Yes
	END
	tinyproxy -d -c "$dir/tinyproxy.conf" >/dev/null &
}

start_mosquitto() {
	cat >"$dir/mosquitto.conf" <<-END
		user root
		allow_anonymous true
		persistence false
		log_dest none
		listener 1883
	END
	mosquitto -c "$dir/mosquitto.conf" &
}

start_iperf3() {
	local port address
	for port in 5201 5202 5203 5204; do
		iperf3 --server --port "$port" >/dev/null 2>&1 &
	done
	# By UDP it would answer from another address than was asked.
	sed -n 's/.*=//p' "$dir/resolvers" | head -n 4 | tr , '\n' >"$dir/callees"
	while read -r address; do
		for port in 5205 5206; do
			iperf3 --server --bind "$address" --port "$port" >/dev/null 2>&1 &
		done
	done <"$dir/callees"
}

# all_listen: is there a listener on every port?
all_listen() {
	local port listening
	listening=$(ss -Hltun)
	for port in 80 443 8080 22 21 53 143 993 25 1883 3128 6379 5201 5202 5203 5204 123 5432 \
		5000 "${odd[@]}"; do
		grep -q ":$port " <<<"$listening" || return 1
	done
}

umask 022
chmod 755 "$dir"
make_site
make_users
start_nginx
start_sshd
start_vsftpd
start_dnsmasq
start_mosquitto
start_dovecot
start_redis
start_tinyproxy
start_iperf3
python3 -B "${0%/*}/answer.py" &
python3 -B "${0%/*}/standin.py" "${odd[3]}" &
until all_listen; do
	sleep 0.1
done
touch "$dir/ready"
wait
