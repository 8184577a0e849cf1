"use strict";
// A page that comes back out of the browser's memory may show a step that is long done.
addEventListener("pageshow",e=>{if(e.persisted)location.reload()});
for(const b of document.querySelectorAll(".reveal")){
const d=b.dataset,i=document.getElementById(d.for),set=on=>{i.type=on?"text":"password";b.textContent=on?d.hide:d.show;b.ariaLabel=on?d.hideLabel:d.showLabel};
b.hidden=false;
b.addEventListener("click",()=>{set(i.type==="password");i.focus()});
// Posted as a password again, so that browsers do not remember it as a text.
i.form.addEventListener("submit",()=>set(false));
}
// The answer to an application that wants it posted.
for(const f of document.querySelectorAll("form.onward"))f.submit();
